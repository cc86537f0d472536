/**
 * The subprotocols of a watcher's socket (RFC 6455, 1.9). Browsers set no custom headers on a socket except the
 * subprotocols it offers: `exportal.v1`, and the access token as `exportal.bearer.<token>`.
 */

export const WATCH_PROTOCOL = 'exportal.v1'
const BEARER = 'exportal.bearer.'

function offeredBy(request: Request): string[] {
  const header = request.headers.get('Sec-WebSocket-Protocol') ?? ''
  return header.split(',').map((name) => name.trim())
}

/** The access tokens that an upgrade offers as subprotocols. */
export function offeredTokens(request: Request): string[] {
  return offeredBy(request).flatMap((name) => (name.startsWith(BEARER) ? [name.slice(BEARER.length)] : []))
}

/**
 * Selects `exportal.v1` in the answer to an upgrade that offers it: a browser closes a socket that selects none of
 * those offered. The token is never selected, so no answer contains it.
 */
export function withProtocol(request: Request, upgrade: Response): Response {
  const { webSocket, headers } = upgrade
  if (!webSocket || headers.has('Sec-WebSocket-Protocol') || !offeredBy(request).includes(WATCH_PROTOCOL))
    return upgrade
  return new Response(null, { status: 101, webSocket, headers: { 'Sec-WebSocket-Protocol': WATCH_PROTOCOL } })
}

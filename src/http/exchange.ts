/** The arguments of every handler, and helpers for its answer. */
import type { Settings, SettingsAnswer } from '../../actors/shared/settings.ts'
import type { Caller } from '../auth/access-token.ts'
import type { Env } from '../env.ts'

/** One request on its way through the Worker. */
export interface Exchange {
  readonly request: Request
  readonly env: Env
  readonly ctx: ExecutionContext
  readonly url: URL
  readonly requestId: string
  readonly settings: SettingsAnswer
  /** Filled in by handlers for the log line; `quiet` suppresses the line. */
  readonly notes: { route: string | null; jobId: string | null; by?: string; quiet?: true }
}

/** A request to a route that verifies its own signature or token. */
export interface Call extends Omit<Exchange, 'settings'> {
  readonly settings: Settings
  /** Path parameters, still percent-encoded. */
  readonly params: Readonly<Record<string, string>>
}

/** A request whose caller is authorized for the route. */
export interface ScopedCall extends Call {
  readonly caller: Caller
}

/** A call by HTTP or RPC: the functions behind both take this type, and cannot depend on the transport. */
export type Asked = Omit<ScopedCall, 'request' | 'ctx'>

/** JSON that is not cached, unless `headers` allow it. */
export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return jsonText(JSON.stringify(body), status, headers)
}

/** The same for text that is JSON already. */
export function jsonText(text: string, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(text, {
    status,
    headers: { 'Content-Type': 'application/json', 'Cache-Control': 'private, no-store', ...headers },
  })
}

/** The public origin of this deployment: PUBLIC_URL, or in development the request's own origin. */
export function publicUrl(call: Call): string {
  return call.settings.publicUrl ?? call.url.origin
}

/** The token of `Authorization: Bearer …` (RFC 6750); null when there is none. */
export function bearerToken(request: Request): string | null {
  const match = /^Bearer +([\w.~+/=-]+) *$/i.exec(request.headers.get('Authorization') ?? '')
  return match?.[1] ?? null
}

export function isUpgrade(request: Request): boolean {
  return request.headers.get('Upgrade')?.toLowerCase() === 'websocket'
}

/** Whether a URL's host name is this computer's loopback. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]'
}

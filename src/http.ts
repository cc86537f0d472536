/** What every handler is given, and how it answers. */
import type { Settings, SettingsAnswer } from '../actors/settings.ts'
import type { Caller } from './auth.ts'
import type { Env } from './env.ts'

/** One request on its way through the Worker. */
export interface Exchange {
  readonly request: Request
  readonly env: Env
  readonly ctx: ExecutionContext
  readonly url: URL
  readonly requestId: string
  readonly settings: SettingsAnswer
  /** Filled in on the way, for the log line. */
  readonly notes: { route: string | null; jobId: string | null }
}

/** A request to a route that checks its own signature or token. */
export interface Call extends Omit<Exchange, 'settings'> {
  readonly settings: Settings
  /** Path parameters, still percent-encoded. */
  readonly params: Readonly<Record<string, string>>
}

/** A request whose caller may use the route. */
export interface ScopedCall extends Call {
  readonly caller: Caller
}

/** JSON that no cache keeps, unless `headers` say otherwise. */
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

/** Where this deployment is reached: PUBLIC_URL, or in development the request's own origin. */
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

/**
 * Cross-origin access by allow-list (Fetch standard, CORS protocol). Tokens travel in headers, never in cookies, so
 * credentials are not allowed.
 */
import type { Env } from '../env.ts'
import { isLoopback } from './exchange.ts'

const EXPOSED = [
  'ETag',
  'Location',
  'Retry-After',
  'RateLimit',
  'RateLimit-Policy',
  'X-Request-Id',
  'Accept-Ranges',
  'Content-Range',
  'Content-Disposition',
  'Idempotent-Replayed',
].join(', ')
const REQUEST_HEADERS = [
  'Authorization',
  'Content-Type',
  'Content-MD5',
  'Idempotency-Key',
  'If-Match',
  'If-Modified-Since',
  'If-None-Match',
  'If-Range',
  'Last-Event-ID',
  'Range',
  'X-Amz-Checksum-Sha256',
  'X-Request-Id',
].join(', ')
/** Chromium caches a preflight for at most two hours. */
const PREFLIGHT_SECONDS = '7200'

/** Headers that allow the request's origin to read the answer; `Vary` is set for origins that are not allowed, too. */
export function corsHeaders(request: Request, env: Env): Record<string, string> {
  const origin = request.headers.get('Origin')
  if (origin === null || !isAllowed(origin, env)) return { Vary: 'Origin' }
  return { Vary: 'Origin', 'Access-Control-Allow-Origin': origin, 'Access-Control-Expose-Headers': EXPOSED }
}

/** Answers OPTIONS for a path with these methods; no actor is touched. */
export function preflight(request: Request, env: Env, methods: readonly string[]): Response {
  const headers = new Headers({ Allow: methods.join(', ') })
  const asked = request.headers.get('Access-Control-Request-Method')
  const origin = request.headers.get('Origin')
  if (asked !== null && origin !== null && isAllowed(origin, env)) {
    headers.set('Access-Control-Allow-Methods', methods.join(', '))
    headers.set('Access-Control-Allow-Headers', REQUEST_HEADERS)
    headers.set('Access-Control-Max-Age', PREFLIGHT_SECONDS)
  }
  return new Response(null, { status: 204, headers })
}

/** Whether the origin is listed exactly, matches a wildcard for one label, or in development is on this computer. */
export function isAllowed(origin: string, env: Env): boolean {
  if (env.ENVIRONMENT === 'development' && URL.canParse(origin) && isLoopback(new URL(origin).hostname)) {
    return true
  }
  // Browsers send scheme and host in lower case (RFC 6454, 4).
  const listed = (env.ALLOWED_ORIGINS ?? '')
    .split(',')
    .map((each) => each.trim().replace(/\/$/, '').toLowerCase())
  return listed.some((pattern) => pattern !== '' && matches(origin, pattern))
}

function matches(origin: string, pattern: string): boolean {
  const [before, after] = pattern.split('://*.')
  if (after === undefined) return origin === pattern
  const start = `${before}://`
  const end = `.${after}`
  if (!origin.startsWith(start) || !origin.endsWith(end)) return false
  return /^[\w-]+$/.test(origin.slice(start.length, -end.length))
}

/**
 * Who calls, and what they may do. Each route of the route table states its scope; this file decides whether the
 * caller has it. Routes with a signature of their own (callbacks, uploads, downloads) do not come here.
 */
import type { Settings } from '../actors/settings.ts'
import { type Grant, includesScope, readToken, type Scope, type TokenFault } from './access-token.ts'
import { bearerToken, isUpgrade } from './http.ts'
import { jobNotFound, Problem } from './problem.ts'

export type { Scope } from './access-token.ts'

export interface Caller extends Grant {
  /** When the token dies, in milliseconds; null for the developer who needs none. */
  readonly expiresAt: number | null
}

const DEVELOPER: Caller = {
  subject: 'development',
  scopes: ['admin'],
  projectId: null,
  jobId: null,
  expiresAt: null,
}

/**
 * The caller, who has `scope`; `any` is satisfied by every valid token.
 *
 * @param queryToken for addresses that are opened without headers of one's own: sockets, event streams, downloads
 * @throws Problem 400 for a token in the wrong place, 401 without a valid one, 403 without the scope
 */
export async function authorize(
  request: Request,
  url: URL,
  settings: Settings,
  scope: Scope | 'any',
  { queryToken = false } = {},
): Promise<Caller> {
  const token = tokenOf(request, url, queryToken)
  const caller = token === null ? developer(request, url, settings) : await bearerOf(token, settings)
  if (scope !== 'any') requireScope(caller, scope)
  return caller
}

/** The token that the request carries; null when it carries none. @throws Problem 400 or 401 */
function tokenOf(request: Request, url: URL, queryToken: boolean): string | null {
  const inQuery = url.searchParams.getAll('token')
  const header = request.headers.get('Authorization')
  // A token in a query ends up in other people's logs and histories, so it is taken only where nothing else is possible.
  if (inQuery.length > 0 && !queryToken) {
    throw misplaced('Send the token as Authorization: Bearer <token>; this address takes none in its query.')
  }
  if (inQuery.length + (header === null ? 0 : 1) > 1) {
    throw misplaced('Send one token, either as Authorization: Bearer <token> or as ?token=.')
  }
  if (header === null) return inQuery[0] ?? null
  const token = bearerToken(request)
  if (token === null) throw unauthorized('The Authorization header must be Bearer <token>.')
  return token
}

/** RFC 6750, 3.1: `invalid_request`. */
function misplaced(detail: string): Problem {
  return new Problem(400, 'token_misplaced', detail, { headers: challenge('invalid_request', detail) })
}

const FAULTS: Record<TokenFault, string> = {
  token_invalid: 'The access token is not valid here.',
  token_expired: 'The access token has expired; ask for a new one.',
}

/** @throws Problem 401 (RFC 6750, 3.1: `invalid_token`) */
async function bearerOf(token: string, { authSecrets }: Settings): Promise<Caller> {
  const answer = await readToken(authSecrets, token, Date.now())
  if (answer.ok) return { ...answer.grant, expiresAt: answer.expiresAt }
  throw refusedToken(answer.fault)
}

/** 401 (RFC 6750, 3.1: `invalid_token`). */
export function refusedToken(fault: TokenFault): Problem {
  const detail = FAULTS[fault]
  return new Problem(401, fault, detail, { headers: challenge('invalid_token', detail) })
}

/** In development, on this very computer, no token is needed. @throws Problem 401 that says why one is needed */
function developer(request: Request, url: URL, { environment }: Settings): Caller {
  const doubt = environment === 'development' ? doubtOf(request, url) : 'This needs an access token'
  if (doubt === null) return DEVELOPER
  throw unauthorized(`${doubt}: send Authorization: Bearer <token>.`)
}

/**
 * Why this request may come from elsewhere than this computer, or from a page that its developer does not trust; null
 * when nothing says so. A host name alone proves nothing: a page can have its own name resolve to loopback, and the
 * local runtime takes the URL from a header that any client may send and that no code here can see.
 */
function doubtOf(request: Request, url: URL): string | null {
  const { headers } = request
  if (!isLoopback(url.hostname)) return 'Only localhost needs no access token'
  if ([...headers.keys()].some((name) => /^(?:forwarded$|x-forwarded-)/.test(name)))
    return 'What a proxy forwards needs an access token'
  const origin = headers.get('Origin')
  if (!isLoopbackOrigin(origin)) return 'A page of another origin needs an access token'
  const plausible = isUpgrade(request) ? origin !== null : headers.has('Sec-Fetch-Site')
  return plausible || isNoPage(headers) ? null : 'A browser without Sec-Fetch-Site needs an access token'
}

/**
 * Browsers send Accept-Language, and Sec-Fetch-Site to loopback but not to a foreign name without TLS (Fetch Metadata,
 * 3). A page may set its Accept-Language, to nothing or to the `*` of Node's fetch; its User-Agent Chromium sends
 * unchanged. Sockets have no Sec-Fetch-Site, but a page's have an Origin.
 */
function isNoPage(headers: Headers): boolean {
  const language = headers.get('Accept-Language')?.trim() ?? '*'
  return language === '*' && !headers.get('User-Agent')?.startsWith('Mozilla/')
}

/** Who sent no token is told no error code (RFC 6750, 3.1). */
function unauthorized(detail: string): Problem {
  return new Problem(401, 'unauthorized', detail, { headers: challenge() })
}

function challenge(error?: string, detail?: string, scope?: string): Record<string, string> {
  const params = { realm: 'exportal', error, error_description: detail, scope }
  const shown = Object.entries(params).flatMap(([name, value]) => (value ? [`${name}="${value}"`] : []))
  return { 'WWW-Authenticate': `Bearer ${shown.join(', ')}` }
}

/** @throws Problem 403 (RFC 6750, 3.1: `insufficient_scope`) */
export function requireScope(caller: Caller, scope: Scope): void {
  if (includesScope(caller.scopes, scope)) return
  const detail = `This needs the scope ${scope}.`
  throw new Problem(403, 'scope_missing', detail, { headers: challenge('insufficient_scope', detail, scope) })
}

/** Names of this computer, as they stand in a URL. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]'
}

/** A page of another site must not act as the developer who happens to look at it. */
function isLoopbackOrigin(origin: string | null): boolean {
  if (origin === null) return true
  return URL.canParse(origin) && isLoopback(new URL(origin).hostname)
}

/** Another project's job does not exist for this caller. @throws Problem 404 */
export function requireProject(caller: Caller, projectId: number): void {
  if (caller.projectId !== null && caller.projectId !== projectId) throw jobNotFound()
}

/**
 * For what makes something new: the caller acts for this project, and not for one job only.
 *
 * @throws Problem 403
 */
export function requireOwnProject(caller: Caller, projectId: number | null): void {
  requireNoSingleJob(caller)
  if (caller.projectId !== null && caller.projectId !== projectId) {
    throw new Problem(403, 'project_forbidden', `This token is for project ${caller.projectId} only.`)
  }
}

/** A token for one job opens nothing but that job. @throws Problem 403 */
export function requireNoSingleJob(caller: Caller): void {
  if (caller.jobId !== null) {
    throw new Problem(403, 'job_token_only', `This token is for job ${caller.jobId} only.`)
  }
}

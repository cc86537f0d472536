/**
 * Authenticates and authorizes callers. Each route of the route table states its scope; this file decides whether the
 * caller has it. Routes with a signature of their own (callbacks, uploads, downloads) do not use it.
 */
import type { Settings } from '../../actors/shared/settings.ts'
import type { Scope } from '../../wire/tokens.ts'
import { bearerToken, isLoopback, isUpgrade } from '../http/exchange.ts'
import { jobNotFound, Problem } from '../http/problem.ts'
import { offeredTokens } from '../http/subprotocol.ts'
import { type Caller, includesScope, readToken, type TokenFault } from './access-token.ts'

const DEVELOPER: Caller = {
  subject: 'development',
  scopes: ['admin'],
  projectId: null,
  jobId: null,
  expiresAt: null,
  by: 'loopback',
}

/**
 * Returns the caller, who has `scope`; `any` is satisfied by every valid token.
 *
 * @param queryToken whether `?token=` is accepted, for URLs that are opened without custom headers: sockets, event
 *   streams, downloads. A socket may send it as a subprotocol instead, which appears in no log or history
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

/** The token in the request; null when there is none. @throws Problem 400 or 401 */
function tokenOf(request: Request, url: URL, queryToken: boolean): string | null {
  const inQuery = url.searchParams.getAll('token')
  const header = request.headers.get('Authorization')
  const offered = isUpgrade(request) && queryToken ? offeredTokens(request) : []
  // URLs end up in logs and browser histories, so a token in the query is accepted only where headers cannot be set.
  if (inQuery.length > 0 && !queryToken) {
    throw misplaced('Send the token as Authorization: Bearer <token>; this address takes none in its query.')
  }
  if (inQuery.length + offered.length + (header === null ? 0 : 1) > 1) {
    throw misplaced('Send one token: as Authorization: Bearer <token>, as a subprotocol, or as ?token=.')
  }
  if (header === null) return offered[0] ?? inQuery[0] ?? null
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
async function bearerOf(token: string, { authSecrets, tokensNotBefore }: Settings): Promise<Caller> {
  const answer = await readToken(authSecrets, token, Date.now(), tokensNotBefore)
  if (answer.ok) return { ...answer.grant, expiresAt: answer.expiresAt, by: 'token' }
  throw refusedToken(answer.fault)
}

/** 401 (RFC 6750, 3.1: `invalid_token`). */
export function refusedToken(fault: TokenFault): Problem {
  const detail = FAULTS[fault]
  return new Problem(401, fault, detail, { headers: challenge('invalid_token', detail) })
}

/** In development no token is needed from this computer. @throws Problem 401 with the reason why one is needed */
function developer(request: Request, url: URL, { environment }: Settings): Caller {
  const doubt = environment === 'development' ? doubtOf(request, url) : 'This needs an access token'
  if (doubt === null) return DEVELOPER
  throw unauthorized(`${doubt}: send Authorization: Bearer <token>.`)
}

/**
 * Why this request may come from another computer, or from a page that the developer does not trust; null when nothing
 * suggests it. A loopback host name alone proves nothing: a page can have its own name resolve to loopback, and the
 * local runtime takes the URL from a header that any client may send and that is not visible here.
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
 * Whether the request cannot come from a web page. Browsers send Accept-Language, and Sec-Fetch-Site to loopback but
 * not to a foreign name without TLS (Fetch Metadata, 3). A page may set its Accept-Language, to nothing or to the `*`
 * of Node's fetch, but Chromium sends its User-Agent unchanged. Sockets have no Sec-Fetch-Site, but those of a page
 * have an Origin.
 */
function isNoPage(headers: Headers): boolean {
  const language = headers.get('Accept-Language')?.trim() ?? '*'
  return language === '*' && !headers.get('User-Agent')?.startsWith('Mozilla/')
}

/** A challenge for a missing token has no error code (RFC 6750, 3.1). */
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

/** Prevents a page of another site from acting as the developer who visits it. */
function isLoopbackOrigin(origin: string | null): boolean {
  if (origin === null) return true
  return URL.canParse(origin) && isLoopback(new URL(origin).hostname)
}

/** 404 rather than 403, so that the existence of another project's job is not disclosed. @throws Problem 404 */
export function requireProject(caller: Caller, projectId: number): void {
  if (caller.projectId !== null && caller.projectId !== projectId) throw jobNotFound()
}

/**
 * For requests that create something: the caller may act for this project, and is not confined to one job.
 *
 * @throws Problem 403
 */
export function requireOwnProject(caller: Caller, projectId: number | null): void {
  requireNoSingleJob(caller)
  if (caller.projectId !== null && caller.projectId !== projectId) {
    throw new Problem(403, 'project_forbidden', `This token is for project ${caller.projectId} only.`)
  }
}

/** Refuses tokens that are confined to one job. @throws Problem 403 */
export function requireNoSingleJob(caller: Caller): void {
  if (caller.jobId !== null) {
    throw new Problem(403, 'job_token_only', `This token is for job ${caller.jobId} only.`)
  }
}

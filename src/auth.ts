/**
 * Who calls, and what they may do. Each route of the route table states its scope; this file decides whether the
 * caller has it. Routes with a signature of their own (callbacks, uploads, downloads) do not come here.
 */
import type { Settings } from '../actors/settings.ts'
import { bearerToken } from './http.ts'
import { jobNotFound, Problem } from './problem.ts'

export type Scope = 'jobs:read' | 'jobs:write' | 'videos:write' | 'admin'

export interface Caller {
  /** Who it is, for the event log. */
  readonly subject: string
  readonly scopes: readonly Scope[]
  /** Confined to this project; null for all. */
  readonly projectId: number | null
  /** Confined to this job; null for all. */
  readonly jobId: string | null
}

const DEVELOPER: Caller = {
  subject: 'development',
  scopes: ['jobs:read', 'jobs:write', 'videos:write', 'admin'],
  projectId: null,
  jobId: null,
}

/**
 * The caller, who has `scope`.
 *
 * @throws Problem 401 without a usable token, 403 without the scope, 503 where tokens cannot be checked yet
 */
export function authorize(request: Request, url: URL, settings: Settings, scope: Scope): Caller {
  const caller = identify(request, url, settings)
  if (!caller.scopes.includes(scope)) {
    throw new Problem(403, 'scope_missing', `This needs the scope ${scope}.`, {
      headers: {
        'WWW-Authenticate': `Bearer realm="exportal", error="insufficient_scope", scope="${scope}"`,
      },
    })
  }
  return caller
}

function identify(request: Request, url: URL, settings: Settings): Caller {
  const token = bearerToken(request) ?? url.searchParams.get('token')
  if (settings.environment !== 'development') {
    throw new Problem(503, 'auth_not_available', 'Access tokens are not available in this deployment yet.')
  }
  if (token !== null || request.headers.has('Authorization')) {
    throw unauthorized('The access token is not valid here.', ', error="invalid_token"')
  }
  if (isLoopback(url.hostname) && isLoopbackOrigin(request.headers.get('Origin'))) return DEVELOPER
  throw unauthorized('This needs an access token: send Authorization: Bearer <token>.')
}

function unauthorized(detail: string, more = ''): Problem {
  const headers = { 'WWW-Authenticate': `Bearer realm="exportal"${more}` }
  return new Problem(401, 'unauthorized', detail, { headers })
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

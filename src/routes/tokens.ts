/** POST /api/tokens, and the token that comes with a new job: always narrower than what they are made from. */
import { iso } from '../../actors/export-job/core/iso.ts'
import type { Settings } from '../../actors/settings.ts'
import { type Grant, includesScope, makeToken, type Scope } from '../access-token.ts'
import { type Caller, requireScope } from '../auth.ts'
import { readJson } from '../body.ts'
import { json, type ScopedCall } from '../http.ts'
import { Problem } from '../problem.ts'
import { type IssuedToken, STANDARD_TTL_SECONDS, TokenBody } from '../schemas/token.ts'
import { demand } from '../validate.ts'

const MOST_BODY_BYTES = 4 * 1024
const WATCH_TTL_MS = STANDARD_TTL_SECONDS * 1000

/**
 * 201 `{token, expires_at, scope, project_id, job_id}`. Project and job of the caller's own token are kept when the
 * body names none; it expires with the caller's own token if that is earlier.
 *
 * @throws Problem 400, or 403 for more than the caller has
 */
export async function createToken(call: ScopedCall): Promise<Response> {
  const { caller, settings } = call
  const body = demand(TokenBody, await readJson(call.request, { bytes: MOST_BODY_BYTES }))
  for (const scope of body.scope) requireScope(caller, scope)
  const grant: Grant = {
    subject: caller.subject,
    scopes: body.scope,
    projectId: within('project', caller.projectId, body.project_id),
    jobId: within('job', caller.jobId, body.job_id),
  }
  const now = Date.now()
  const expiresAt = until(caller, now, body.ttl_seconds * 1000)
  const token = await makeToken(settings.authSecrets[0], grant, now, expiresAt)
  return json(
    {
      token,
      expires_at: iso(expiresAt),
      scope: grant.scopes.join(' '),
      project_id: grant.projectId,
      job_id: grant.jobId,
    } satisfies IssuedToken,
    201,
  )
}

/**
 * For the browser that will show a new job: to watch and read this one job, for a quarter of an hour. Null for a
 * caller who needs no token, and for one who may not read jobs.
 */
export async function watchToken(
  settings: Settings,
  caller: Caller,
  jobId: string,
  now: number,
): Promise<string | null> {
  const scope: Scope = 'jobs:read'
  if (caller.expiresAt === null || !includesScope(caller.scopes, scope)) return null
  // The job says the project: naming it again would cost a look at the actor with every use.
  const grant: Grant = { subject: caller.subject, scopes: [scope], projectId: null, jobId }
  return makeToken(settings.authSecrets[0], grant, now, until(caller, now, WATCH_TTL_MS))
}

/** Never later than the caller's own token; whole seconds, as tokens have. */
function until(caller: Caller, now: number, ttlMs: number): number {
  const asked = Math.floor((now + ttlMs) / 1000) * 1000
  return Math.min(asked, caller.expiresAt ?? asked)
}

/** The narrower of two confinements. @throws Problem 403 when they exclude each other */
function within<T extends number | string>(
  kind: 'project' | 'job',
  own: T | null,
  asked: T | undefined,
): T | null {
  if (own === null || asked === undefined || asked === own) return asked ?? own
  const code = kind === 'project' ? 'project_forbidden' : 'job_token_only'
  throw new Problem(403, code, `This token is for ${kind} ${own} only.`)
}

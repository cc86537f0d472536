/** POST /api/tokens, and the token returned with a new job: never with more rights than the token it is made from. */
import { iso } from '../../actors/export-job/core/iso.ts'
import type { Settings } from '../../actors/shared/settings.ts'
import type { IssuedToken, Scope } from '../../wire/tokens.ts'
import { json, type ScopedCall } from '../http/exchange.ts'
import { parse } from '../http/parse.ts'
import { Problem } from '../http/problem.ts'
import { readJson } from '../http/read-json.ts'
import { type Caller, type Grant, includesScope, makeToken } from './access-token.ts'
import { requireScope } from './caller.ts'
import { STANDARD_TTL_SECONDS, TokenBody } from './schemas.ts'

const MAX_BODY_BYTES = 4 * 1024
const WATCH_TTL_MS = STANDARD_TTL_SECONDS * 1000

/**
 * 201 `{token, expires_at, scope, project_id, job_id}`. When the body names no project or job, the new token is
 * confined to those of the caller's own token, and it never expires later than that one.
 *
 * @throws Problem 400, or 403 for more rights than the caller has
 */
export async function createToken(call: ScopedCall): Promise<Response> {
  const { caller, settings } = call
  const body = parse(TokenBody, await readJson(call.request, { bytes: MAX_BODY_BYTES }))
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
 * A token for the browser that shows a new job: it watches and reads this one job, for a quarter of an hour. Null for a
 * caller without a token, and for one who may not read jobs.
 */
export async function watchToken(
  settings: Settings,
  caller: Caller,
  jobId: string,
  now: number,
): Promise<string | null> {
  const scope: Scope = 'jobs:read'
  if (caller.by === 'loopback' || !includesScope(caller.scopes, scope)) return null
  // The job determines the project; a project in the token would cost a call to the actor with every use.
  const grant: Grant = { subject: caller.subject, scopes: [scope], projectId: null, jobId }
  return makeToken(settings.authSecrets[0], grant, now, until(caller, now, WATCH_TTL_MS))
}

/** The earlier of both expiries; rounded down to whole seconds, as tokens store them. */
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

/** POST /api/admin/session: exchanges an assertion of Cloudflare Access for a short token of this service. */
import * as v from 'valibot'
import { iso } from '../../actors/export-job/core/iso.ts'
import { logFault } from '../../actors/shared/log.ts'
import type { IssuedToken } from '../../wire/tokens.ts'
import { type Call, json } from '../http/exchange.ts'
import { Problem, unavailable } from '../http/problem.ts'
import { requireSameOrigin } from '../http/same-origin.ts'
import { ASSERTION_HEADER, readAssertion } from './access.ts'
import { makeToken, Subject } from './access-token.ts'

/** A page keeps the token in memory, and requests the next one before it expires. */
const SESSION_MS = 15 * 60_000

/**
 * 201 with a token of the scope `admin`, whose subject is the operator's email address.
 *
 * @throws Problem 404 without Access, 401 without a valid assertion, 403 for a page of another origin or a bearer who
 *   is no operator, 503 when the keys of Access cannot be fetched
 */
export async function createSession(call: Call): Promise<Response> {
  requireSameOrigin(call.request, call.url)
  const { access, authSecrets } = call.settings
  if (!access)
    throw new Problem(404, 'access_not_configured', 'Operators do not sign in by Cloudflare Access here.')
  const assertion = call.request.headers.get(ASSERTION_HEADER)
  if (assertion === null)
    throw new Problem(401, 'assertion_missing', 'Cloudflare Access has not passed this request.')
  const now = Date.now()
  const answer = await readAssertion(access, assertion, now)
  if (!answer.ok) throw refusal(answer.fault)
  const subject = v.safeParse(Subject, answer.email)
  if (!subject.success) throw refusal('no_operator')
  const expiresAt = Math.min(answer.expiresAt, Math.floor((now + SESSION_MS) / 1000) * 1000)
  call.notes.by = subject.output
  const grant = { subject: subject.output, scopes: ['admin'], projectId: null, jobId: null } as const
  const token = await makeToken(authSecrets[0], grant, now, expiresAt)
  const body: IssuedToken = {
    token,
    expires_at: iso(expiresAt),
    scope: 'admin',
    project_id: null,
    job_id: null,
  }
  return json(body, 201)
}

function refusal(fault: 'invalid' | 'expired' | 'no_operator' | 'no_keys'): Problem {
  switch (fault) {
    case 'expired':
      return new Problem(
        401,
        'assertion_expired',
        'The visit that Cloudflare Access let in is over; sign in again.',
      )
    case 'no_operator':
      return new Problem(403, 'no_operator', 'You are signed in, but are no operator of this deployment.')
    case 'no_keys':
      logFault('access', 'The keys of Cloudflare Access could not be read.')
      return unavailable(
        'access_unavailable',
        'Cloudflare Access could not be asked for its keys; try again.',
      )
    case 'invalid':
      return new Problem(
        401,
        'assertion_invalid',
        'The assertion is not one of Cloudflare Access for this deployment.',
      )
  }
}

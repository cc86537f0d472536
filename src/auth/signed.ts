/** Verification of signed URLs, before anything is read and before any actor is woken. */
import { type Purpose, type SignatureFault, signedQueryFault } from '../../actors/shared/signing.ts'
import type { Call } from '../http/exchange.ts'
import { Problem } from '../http/problem.ts'

const REFUSALS: Record<SignatureFault, [number, string]> = {
  signature_missing: [
    401,
    'This address works only with its signature; use the whole URL that was given out.',
  ],
  signature_invalid: [
    403,
    'The signature does not belong to this address; use the URL exactly as it was given out.',
  ],
  signature_expired: [403, 'This URL has expired; ask for a new one.'],
}

/**
 * @param subject what was signed with the query: method and key, or the route
 * @throws Problem 401 or 403
 */
export function requireSignature(call: Call, purpose: Purpose, subject: string): void {
  const { authSecrets } = call.settings
  const fault = signedQueryFault(authSecrets, purpose, subject, call.url.searchParams, Date.now())
  if (fault) throw signatureProblem(fault)
}

/** The problem for a signature fault: 401 or 403. */
export function signatureProblem(fault: SignatureFault): Problem {
  const [status, detail] = REFUSALS[fault]
  return new Problem(status, fault, detail)
}

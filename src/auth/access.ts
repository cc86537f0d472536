/**
 * Cloudflare Access authenticates operators before their pages are served. It adds an assertion to each request that it
 * lets through: a JWT signed by a key of the team (developers.cloudflare.com/cloudflare-one, "Validate JWTs"). The
 * assertion is accepted only in exchange for a short token of this service.
 */
import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey, jwtVerify } from 'jose'
import type { AccessSettings } from '../../actors/shared/settings.ts'

export const ASSERTION_HEADER = 'Cf-Access-Jwt-Assertion'
/** Accepted difference between the clocks of two machines. */
const CLOCK_TOLERANCE_SECONDS = 5
const KEYS_TIMEOUT_MS = 5_000
/** Minimum time between two fetches of the team's keys for an unknown key id. */
const KEYS_COOLDOWN_MS = 10_000

/**
 * The team's keys by issuer. They change every few weeks, so they are cached, and fetched again for an unknown key id.
 */
const keySets = new Map<string, JWTVerifyGetKey>()

function keysOf(issuer: string): JWTVerifyGetKey {
  const known = keySets.get(issuer)
  if (known) return known
  const keys = createRemoteJWKSet(new URL('/cdn-cgi/access/certs', issuer), {
    timeoutDuration: KEYS_TIMEOUT_MS,
    cooldownDuration: KEYS_COOLDOWN_MS,
    [customFetch]: (url, init) => fetch(url, init),
  })
  keySets.set(issuer, keys)
  return keys
}

export type AssertionAnswer =
  /** `expiresAt` in milliseconds. */
  | { ok: true; email: string; expiresAt: number }
  /**
   * `no_operator`: Access let them in, but they are not on the list of operators. `no_keys`: the team's keys could not
   * be fetched.
   */
  | { ok: false; fault: 'invalid' | 'expired' | 'no_operator' | 'no_keys' }

/**
 * Verifies an assertion's signature, issuer, audience and times, and that its bearer is on the list of operators. A
 * machine with an Access service token has no email address, and is no operator.
 *
 * @param now milliseconds
 */
export async function readAssertion(
  { issuer, audience, admins }: AccessSettings,
  assertion: string,
  now: number,
): Promise<AssertionAnswer> {
  try {
    const { payload } = await jwtVerify(assertion, keysOf(issuer), {
      algorithms: ['RS256', 'ES256'],
      issuer,
      audience,
      requiredClaims: ['iat', 'exp'],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: new Date(now),
    })
    const { email, exp = 0 } = payload
    if (typeof email !== 'string' || email === '') return { ok: false, fault: 'no_operator' }
    if (admins && !admins.has(email.toLowerCase())) return { ok: false, fault: 'no_operator' }
    return { ok: true, email, expiresAt: exp * 1000 }
  } catch (error) {
    if (error instanceof errors.JWTExpired) return { ok: false, fault: 'expired' }
    if (error instanceof errors.JWKSNoMatchingKey || isOfTheToken(error))
      return { ok: false, fault: 'invalid' }
    // Every other error: the keys could not be fetched or parsed.
    return { ok: false, fault: 'no_keys' }
  }
}

function isOfTheToken(error: unknown): boolean {
  return (
    error instanceof errors.JWTClaimValidationFailed ||
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JOSEAlgNotAllowed ||
    error instanceof errors.JOSENotSupported
  )
}

/**
 * Access tokens: JSON Web Tokens (RFC 7519) signed with HS256, under a key that is derived from AUTH_SECRET for this
 * purpose alone. A token contains its subject, its scopes, the project and job it is confined to, and its expiry. A
 * single token cannot be revoked: it becomes invalid when it expires, together with all tokens older than
 * TOKENS_NOT_BEFORE, or when the secret that signed it is removed.
 */
import { errors, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import * as v from 'valibot'
import { BoundedMap } from '../../actors/shared/bounded-map.ts'
import { keyFor } from '../../actors/shared/signing.ts'
import type { Scope } from '../../wire/tokens.ts'
import { ProjectId, shortText } from '../http/fields.ts'
import { JobId } from '../jobs/ids.ts'

/** The scopes of tokens; `admin` implies all the others. */
export const SCOPES = [
  'jobs:read',
  'jobs:write',
  'videos:write',
  'metrics:read',
  'admin',
] as const satisfies readonly Scope[]

/** What a caller may do, and on which projects and jobs. */
export interface Grant {
  /** Identifies the caller in the event log. */
  readonly subject: string
  readonly scopes: readonly Scope[]
  /** The only project it reaches; null for all. */
  readonly projectId: number | null
  /** The only job it reaches; null for all. */
  readonly jobId: string | null
}

/** The authenticated caller. */
export interface Caller extends Grant {
  /** When the token expires, in milliseconds; null without a token. */
  readonly expiresAt: number | null
  /**
   * How the caller was authenticated: by a token, by running on the developer's own computer, or by a service binding.
   */
  readonly by: 'token' | 'loopback' | 'binding'
}

export type TokenFault = 'token_invalid' | 'token_expired'

export type TokenAnswer =
  /** `expiresAt` in milliseconds. */
  { ok: true; grant: Grant; expiresAt: number } | { ok: false; fault: TokenFault }

const ISSUER = 'exportal'
const AUDIENCE = 'exportal-api'
const ALGORITHM = 'HS256'
/**
 * Explicit typing (RFC 8725, 3.11; the name is that of RFC 9068): no other kind of JWT is accepted as an access token.
 */
const TYPE = 'at+jwt'

/**
 * An HS256 signature in its canonical encoding: two bits of its last character are unused, and decoders may ignore them
 * (RFC 4648, 3.5), so that other spellings would decode to the same bytes.
 */
const CANONICAL_SIGNATURE = /\.[\w-]{42}[AEIMQUYcgkosw048]$/

/** The longest time between issue and expiry. */
export const LONGEST_LIFETIME_SECONDS = 366 * 24 * 60 * 60
/** Accepted difference between the clocks of two machines. */
const CLOCK_TOLERANCE_SECONDS = 5
const MAX_SUBJECT_CHARACTERS = 200

/** Free text, shown in the event log. */
export const Subject = shortText(MAX_SUBJECT_CHARACTERS)

const Instant = v.pipe(v.number(), v.integer())

const Claims = v.object({
  iat: Instant,
  exp: Instant,
  scope: v.string(),
  sub: v.optional(Subject, 'token'),
  project_id: v.optional(ProjectId),
  job_id: v.optional(JobId),
})

/**
 * @param now milliseconds
 * @param expiresAt milliseconds; rounded down to seconds, since a token must not outlive the one it was made from
 */
export function makeToken(secret: string, grant: Grant, now: number, expiresAt: number): Promise<string> {
  const claims: JWTPayload = {
    scope: grant.scopes.join(' '),
    ...(grant.projectId !== null && { project_id: grant.projectId }),
    ...(grant.jobId !== null && { job_id: grant.jobId }),
  }
  return new SignJWT(claims)
    .setProtectedHeader({ alg: ALGORITHM, typ: TYPE })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject(grant.subject)
    .setIssuedAt(Math.floor(now / 1000))
    .setExpirationTime(Math.floor(expiresAt / 1000))
    .sign(keyFor(secret, 'jwt'))
}

/**
 * Cache of valid tokens: a caller sends the same one with every request, and verifying it costs more than reading a
 * job.
 */
const held = new BoundedMap<{ answer: TokenAnswer & { ok: true }; since: number }>(1_000)

/**
 * The result of `checkToken`; that of a valid token is cached until it expires.
 *
 * @param now milliseconds
 * @param notBefore milliseconds: tokens issued earlier are invalid
 */
export async function readToken(
  secrets: readonly string[],
  token: string,
  now: number,
  notBefore = 0,
): Promise<TokenAnswer> {
  const claim = [token, notBefore, ...secrets].join('\n')
  const known = held.get(claim)
  if (known && known.since <= now && now < known.answer.expiresAt) return known.answer
  const answer = await checkToken(secrets, token, notBefore, now)
  if (answer.ok) held.set(claim, { answer, since: now })
  return answer
}

/**
 * Verifies a token of `makeToken`: its signature under any of the secrets, algorithm, type, issuer, audience, times and
 * the form of every claim. Faults other than expiry share one code, since details would only help a forger.
 *
 * @param notBefore milliseconds: tokens issued earlier are invalid
 * @param now milliseconds
 */
async function checkToken(
  secrets: readonly string[],
  token: string,
  notBefore: number,
  now: number,
): Promise<TokenAnswer> {
  if (!CANONICAL_SIGNATURE.test(token)) return { ok: false, fault: 'token_invalid' }
  for (const secret of secrets) {
    try {
      const { payload } = await jwtVerify(token, keyFor(secret, 'jwt'), {
        algorithms: [ALGORITHM],
        typ: TYPE,
        issuer: ISSUER,
        audience: AUDIENCE,
        requiredClaims: ['iat', 'exp'],
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        currentDate: new Date(now),
      })
      return readClaims(payload, notBefore, now)
    } catch (error) {
      if (error instanceof errors.JWSSignatureVerificationFailed) continue
      if (error instanceof errors.JWTExpired) return { ok: false, fault: 'token_expired' }
      if (error instanceof errors.JOSEError) break
      throw error
    }
  }
  return { ok: false, fault: 'token_invalid' }
}

function readClaims(payload: JWTPayload, notBefore: number, now: number): TokenAnswer {
  const { success, output: claims } = v.safeParse(Claims, payload)
  if (!success) return { ok: false, fault: 'token_invalid' }
  const tooLong = claims.exp - claims.iat > LONGEST_LIFETIME_SECONDS
  const fromTheFuture = claims.iat > now / 1000 + CLOCK_TOLERANCE_SECONDS
  // `iat` has whole seconds, so a token issued within the second of `notBefore` may be refused.
  const killed = claims.iat * 1000 < notBefore
  if (tooLong || fromTheFuture || killed) return { ok: false, fault: 'token_invalid' }
  const grant = {
    subject: claims.sub,
    scopes: knownScopes(claims.scope),
    projectId: claims.project_id ?? null,
    jobId: claims.job_id ?? null,
  }
  return { ok: true, grant, expiresAt: claims.exp * 1000 }
}

/** Ignores scopes that this version does not know (RFC 6749, 3.3). */
function knownScopes(text: string): Scope[] {
  const named = new Set(text.split(' '))
  return SCOPES.filter((scope) => named.has(scope))
}

/** Whether `scopes` include `scope`, which `admin` does for all. */
export function includesScope(scopes: readonly Scope[], scope: Scope): boolean {
  return scopes.includes(scope) || scopes.includes('admin')
}

/**
 * Access tokens: JSON Web Tokens (RFC 7519) signed with HS256 under a key that is derived from AUTH_SECRET for this
 * purpose alone. A token says who it is for, what it may do, within which project and job, and until when. It cannot
 * be called back: it dies when it expires, or when the secret that signed it is dropped.
 */
import { errors, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import * as v from 'valibot'
import { Recent } from '../actors/recent.ts'
import { keyFor } from '../actors/signing.ts'
import { JobId, ProjectId, shortText } from './schemas/common.ts'

/** What a token may do; `admin` implies all the others. */
export const SCOPES = ['jobs:read', 'jobs:write', 'videos:write', 'admin'] as const
export type Scope = (typeof SCOPES)[number]

/** What a caller may do, and how far that reaches. */
export interface Grant {
  /** Who it is, for the event log. */
  readonly subject: string
  readonly scopes: readonly Scope[]
  /** Confined to this project; null for all. */
  readonly projectId: number | null
  /** Confined to this job; null for all. */
  readonly jobId: string | null
}

export type TokenFault = 'token_invalid' | 'token_expired'

export type TokenAnswer =
  /** `expiresAt` in milliseconds. */
  { ok: true; grant: Grant; expiresAt: number } | { ok: false; fault: TokenFault }

const ISSUER = 'exportal'
const AUDIENCE = 'exportal-api'
const ALGORITHM = 'HS256'
/** Explicit typing (RFC 8725, 3.11; the name of RFC 9068): no other kind of JWT is ever taken for an access token. */
const TYPE = 'at+jwt'

/**
 * A signature of HS256 in the one spelling that an encoder writes: of its last character two bits belong to nothing,
 * and decoders may ignore them (RFC 4648, 3.5).
 */
const CANONICAL_SIGNATURE = /\.[\w-]{42}[AEIMQUYcgkosw048]$/

/** Between issuing and expiry; whoever needs longer makes a new token. */
export const LONGEST_LIFETIME_SECONDS = 366 * 24 * 60 * 60
/** How far the clocks of two machines may differ. */
const CLOCK_TOLERANCE_SECONDS = 5
const MOST_SUBJECT_CHARACTERS = 200

/** Free text, shown in the event log. */
export const Subject = shortText(MOST_SUBJECT_CHARACTERS)

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
 * @param expiresAt milliseconds; rounded down to seconds, since a token must never outlive what it was made from
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

/** Tokens that held: a caller shows the same one with every request, and checking it costs more than reading a job. */
const held = new Recent<{ answer: TokenAnswer & { ok: true }; since: number }>(1_000)

/**
 * What `checkToken` says of a token, which is remembered until it expires.
 *
 * @param now milliseconds
 */
export async function readToken(
  secrets: readonly string[],
  token: string,
  now: number,
): Promise<TokenAnswer> {
  const claim = [token, ...secrets].join('\n')
  const known = held.get(claim)
  if (known && known.since <= now && now < known.answer.expiresAt) return known.answer
  const answer = await checkToken(secrets, token, now)
  if (answer.ok) held.set(claim, { answer, since: now })
  return answer
}

/**
 * Checks what `makeToken` made: signature under any of the secrets, algorithm, type, issuer, audience, times and the
 * form of every claim. A fault other than expiry is not told apart, since it would only help to forge.
 *
 * @param now milliseconds
 */
async function checkToken(secrets: readonly string[], token: string, now: number): Promise<TokenAnswer> {
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
      return readClaims(payload, now)
    } catch (error) {
      if (error instanceof errors.JWSSignatureVerificationFailed) continue
      if (error instanceof errors.JWTExpired) return { ok: false, fault: 'token_expired' }
      if (error instanceof errors.JOSEError) break
      throw error
    }
  }
  return { ok: false, fault: 'token_invalid' }
}

function readClaims(payload: JWTPayload, now: number): TokenAnswer {
  const { success, output: claims } = v.safeParse(Claims, payload)
  if (!success) return { ok: false, fault: 'token_invalid' }
  const tooLong = claims.exp - claims.iat > LONGEST_LIFETIME_SECONDS
  const fromTheFuture = claims.iat > now / 1000 + CLOCK_TOLERANCE_SECONDS
  if (tooLong || fromTheFuture) return { ok: false, fault: 'token_invalid' }
  const grant = {
    subject: claims.sub,
    scopes: knownScopes(claims.scope),
    projectId: claims.project_id ?? null,
    jobId: claims.job_id ?? null,
  }
  return { ok: true, grant, expiresAt: claims.exp * 1000 }
}

/** A scope that this version does not know opens nothing, and leaves the others as they are (RFC 6749, 3.3). */
function knownScopes(text: string): Scope[] {
  const named = new Set(text.split(' '))
  return SCOPES.filter((scope) => named.has(scope))
}

/** Whether `scopes` allow what `scope` allows. */
export function includesScope(scopes: readonly Scope[], scope: Scope): boolean {
  return scopes.includes(scope) || scopes.includes('admin')
}

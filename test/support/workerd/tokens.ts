/** Access tokens for the tests: valid ones, and ones that are invalid in every possible way. */
import { SignJWT } from 'jose'
import { keyFor } from '../../../actors/shared/signing.ts'
import { type Grant, makeToken } from '../../../src/auth/access-token.ts'
import { SECRET } from './http.ts'
import { secret } from './secret-scan.ts'

export const STRONG = 'a-strong-secret-of-more-than-32-characters'
export const RETIRED = 'the-secret-before-it-of-more-than-32-characters'
secret(STRONG, RETIRED)

/** A deployment during a rotation. */
export const PRODUCTION = {
  ENVIRONMENT: 'production',
  PUBLIC_URL: 'https://exportal.test',
  AUTH_SECRET: STRONG,
  AUTH_SECRET_PREVIOUS: RETIRED,
}

export function grantOf(over: Partial<Grant> = {}): Grant {
  return { subject: 'someone', scopes: ['admin'], projectId: null, jobId: null, ...over }
}

/** A valid token, for an hour by default. */
export function tokenOf(over: Partial<Grant> = {}, secret = SECRET, ttlMs = 3_600_000): Promise<string> {
  return makeToken(secret, grantOf(over), Date.now(), Date.now() + ttlMs)
}

/** The header with this token. */
export function bearer(token: string): { Authorization: string } {
  return { Authorization: `Bearer ${token}` }
}

interface Forgery {
  claims?: Record<string, unknown>
  header?: { alg?: string; typ?: string }
  key?: Uint8Array
}

/** A signed token with any claims, header and key; parts not given are valid. */
export function forge({
  claims = {},
  header = {},
  key = keyFor(SECRET, 'jwt'),
}: Forgery = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const standard = { iss: 'exportal', aud: 'exportal-api', scope: 'admin', iat: now, exp: now + 3600 }
  return new SignJWT({ ...standard, ...claims })
    .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', ...header })
    .sign(key)
}

/** The same claims with `alg: none` (RFC 7519, 6) and any signature. */
export function unsigned(token: string, signature = ''): string {
  const header = btoa(JSON.stringify({ alg: 'none', typ: 'at+jwt' })).replaceAll('=', '')
  return [header, token.split('.')[1], signature].join('.')
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The same signature with unused bits of its last character set (RFC 4648, 3.5). */
export function respelled(token: string): string {
  return token.slice(0, -1) + ALPHABET[ALPHABET.indexOf(token.slice(-1)) + 1]
}

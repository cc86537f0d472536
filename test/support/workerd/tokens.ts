/** Access tokens for the tests: right ones, and every way in which one can be wrong. */
import { SignJWT } from 'jose'
import { keyFor } from '../../../actors/signing.ts'
import { type Grant, makeToken } from '../../../src/access-token.ts'
import { SECRET } from './http.ts'
import { secret } from './secret-scan.ts'

export const STRONG = 'a-strong-secret-of-more-than-32-characters'
export const RETIRED = 'the-secret-before-it-of-more-than-32-characters'
secret(STRONG, RETIRED)

/** A deployment in the middle of a rotation. */
export const PRODUCTION = {
  ENVIRONMENT: 'production',
  PUBLIC_URL: 'https://exportal.test',
  AUTH_SECRET: STRONG,
  AUTH_SECRET_PREVIOUS: RETIRED,
}

export function grantOf(over: Partial<Grant> = {}): Grant {
  return { subject: 'someone', scopes: ['admin'], projectId: null, jobId: null, ...over }
}

/** A valid token, of an hour unless told. */
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

/** A signed token with whatever claims, header and key; what is not named is as it should be. */
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

/** The same claims under `alg: none` (RFC 7519, 6), with any signature. */
export function unsigned(token: string, signature = ''): string {
  const header = btoa(JSON.stringify({ alg: 'none', typ: 'at+jwt' })).replaceAll('=', '')
  return [header, token.split('.')[1], signature].join('.')
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The same signature, with the bits of its last character that belong to nothing set (RFC 4648, 3.5). */
export function respelled(token: string): string {
  return token.slice(0, -1) + ALPHABET[ALPHABET.indexOf(token.slice(-1)) + 1]
}

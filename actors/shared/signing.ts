/**
 * Signed, expiring URLs and callback tokens. One key for each purpose is derived from AUTH_SECRET by HKDF (RFC 5869),
 * so that a signature for one purpose is never valid for another; the previous secret is accepted during a rotation.
 */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import type { AttemptRef } from '../export-job/core/job.ts'
import { base64url } from './base64url.ts'
import { BoundedMap } from './bounded-map.ts'
import type { OwnedFile } from './owned-file.ts'

export type Purpose = 'callback' | 'webhook' | 'upload' | 'upload-token' | 'part' | 'download' | 'jwt'

const keys = new Map<string, Uint8Array>()

/** The HMAC key of a purpose, derived from a secret. */
export function keyFor(secret: string, purpose: Purpose): Uint8Array {
  const name = `${purpose}:${secret}`
  let key = keys.get(name)
  if (!key) {
    key = new Uint8Array(hkdfSync('sha256', secret, 'exportal', purpose, 32))
    keys.set(name, key)
  }
  return key
}

export function sign(secret: string, purpose: Purpose, message: string): string {
  return base64url(createHmac('sha256', keyFor(secret, purpose)).update(message).digest())
}

/** Verified signatures. A worker sends the same one with each report, a player with each range. */
const held = new BoundedMap<true>(1_000)

/** Verifies in constant time in the signature's bytes, against every accepted secret. Valid signatures are cached. */
export function verify(
  secrets: readonly string[],
  purpose: Purpose,
  message: string,
  signature: string,
): boolean {
  const claim = [purpose, signature, message, ...secrets].join('\n')
  if (held.get(claim)) return true
  const given = new TextEncoder().encode(signature)
  const holds = secrets
    .map((secret) => {
      const expected = new TextEncoder().encode(sign(secret, purpose, message))
      return given.length === expected.length && timingSafeEqual(given, expected)
    })
    .includes(true)
  if (holds) held.set(claim, true)
  return holds
}

/** Why a token or signed URL is refused. */
export type SignatureFault = 'signature_missing' | 'signature_invalid' | 'signature_expired'

// Callback tokens, with which a GPU worker authenticates its reports.

/** The bearer token of one attempt: contains round and attempt, expires at `expiresAt` (ms). */
export function callbackToken(secret: string, jobId: string, ref: AttemptRef, expiresAt: number): string {
  const claims = `${ref.round}.${ref.attempt}.${seconds(expiresAt)}`
  return `${claims}.${sign(secret, 'callback', `${jobId}.${claims}`)}`
}

/** The attempt in a callback token, and its expiry (ms). */
export function readCallbackToken(
  secrets: readonly string[],
  jobId: string,
  token: string | null,
  now: number,
): { ok: true; ref: AttemptRef; expiresAt: number } | { ok: false; fault: SignatureFault } {
  if (!token) return { ok: false, fault: 'signature_missing' }
  const match = /^(\d{1,6})\.(\d{1,6})\.(\d{1,12})\.([\w-]{43})$/.exec(token)
  const [, round = '', attempt = '', expires = '', signature = ''] = match ?? []
  if (!verify(secrets, 'callback', `${jobId}.${round}.${attempt}.${expires}`, signature)) {
    return { ok: false, fault: 'signature_invalid' }
  }
  const expiresAt = Number(expires) * 1000
  if (now >= expiresAt) return { ok: false, fault: 'signature_expired' }
  return { ok: true, ref: { round: Number(round), attempt: Number(attempt) }, expiresAt }
}

// Signed URLs

/** Presentation only, added by the client that opens the URL: not signed. */
const UNSIGNED = new Set(['sig', 'inline', 'token'])

/**
 * Adds `exp` and `sig` to `path?params`. The signature covers the purpose, `subject` (method and key, or the route),
 * and every parameter except those for presentation.
 */
export function signedQuery(
  secret: string,
  purpose: Purpose,
  subject: string,
  params: Record<string, string>,
  expiresAt: number,
): string {
  const query = new URLSearchParams({ ...params, exp: String(seconds(expiresAt)) })
  query.set('sig', sign(secret, purpose, canonical(subject, query)))
  return query.toString()
}

/** Checks the result of `signedQuery`; null when it is valid. */
export function signedQueryFault(
  secrets: readonly string[],
  purpose: Purpose,
  subject: string,
  query: URLSearchParams,
  now: number,
): SignatureFault | null {
  const signature = query.get('sig')
  if (!signature || !query.get('exp')) return 'signature_missing'
  if (!verify(secrets, purpose, canonical(subject, query), signature)) return 'signature_invalid'
  return now >= Number(query.get('exp')) * 1000 ? 'signature_expired' : null
}

function canonical(subject: string, query: URLSearchParams): string {
  const pairs = [...query]
    .filter(([name]) => !UNSIGNED.has(name))
    .map(([name, value]) => JSON.stringify([name, value]))
  return [subject, ...pairs.sort()].join('\n')
}

function seconds(at: number): number {
  return Math.ceil(at / 1000)
}

/** `output_url` and similar URLs are constant within a window, so that caches and ETags stay valid. */
export const URL_WINDOW_MS = 10 * 60_000
const DOWNLOAD_TTL_MS = 60 * 60_000

/**
 * `/api/videos/download/<key>?project=…&exp=…&sig=…`, valid for GET and HEAD for 60 to 70 minutes by default. The
 * project is signed as well, and compared with the owner of the stored object when the link is used.
 */
export function downloadPath(secret: string, file: OwnedFile, now: number, expiresAt?: number): string {
  const { key, name, projectId } = file
  const params = { project: String(projectId), ...(name !== null && { name }) }
  const until = expiresAt ?? (Math.floor(now / URL_WINDOW_MS) + 1) * URL_WINDOW_MS + DOWNLOAD_TTL_MS
  return `/api/videos/download/${encodeKey(key)}?${signedQuery(secret, 'download', `GET ${key}`, params, until)}`
}

/** `/api/videos/upload/<key>?…&sig=…`. Every limit is a signed parameter: `type`, `size`, `most`, `project`, `once`. */
export function uploadPath(
  secret: string,
  key: string,
  params: Record<string, string>,
  expiresAt: number,
): string {
  return `/api/videos/upload/${encodeKey(key)}?${signedQuery(secret, 'upload', `PUT ${key}`, params, expiresAt)}`
}

/** `/api/uploads/part/<key>?…&sig=…`: one part of a multipart upload. */
export function partPath(
  secret: string,
  key: string,
  uploadId: string,
  part: number,
  expiresAt: number,
): string {
  const params = { upload: uploadId, part: String(part) }
  return `/api/uploads/part/${encodeKey(key)}?${signedQuery(secret, 'part', `PUT ${key}`, params, expiresAt)}`
}

/** `/api/runpod/callback?job=…&round=…&attempt=…&exp=…&sig=…`: RunPod cannot sign requests, so the URL is signed. */
export function webhookPath(secret: string, jobId: string, ref: AttemptRef, expiresAt: number): string {
  const params = { job: jobId, round: String(ref.round), attempt: String(ref.attempt) }
  return `/api/runpod/callback?${signedQuery(secret, 'webhook', 'POST', params, expiresAt)}`
}

/** Encodes a key for a path: slashes are kept, all other special characters are percent-encoded. */
export function encodeKey(key: string): string {
  return key.split('/').map(encodeURIComponent).join('/')
}

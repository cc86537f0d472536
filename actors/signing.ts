/**
 * Signed, expiring URLs and callback tokens. One key for each purpose is derived from AUTH_SECRET by HKDF (RFC 5869),
 * so that a signature made for one thing is never valid for another; the previous secret is accepted in a rotation.
 */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import type { AttemptRef } from './export-job/core/job.ts'
import type { OwnedFile } from './owned-file.ts'
import { Recent } from './recent.ts'

export type Purpose = 'callback' | 'webhook' | 'upload' | 'upload-token' | 'part' | 'download' | 'jwt'

const keys = new Map<string, Uint8Array>()

/** The HMAC key of one purpose under one secret. */
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

/** Signatures that held. A worker shows the same one with each report, a player with each range. */
const held = new Recent<true>(1_000)

/** Constant time in the signature's bytes, for every accepted secret. What held once is not computed again. */
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

export function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}

/** Why a token or signed URL is refused. */
export type SignatureFault = 'signature_missing' | 'signature_invalid' | 'signature_expired'

// Callback tokens: what a GPU worker shows when it reports.

/** Bearer token of one attempt: names round and attempt, dies at `expiresAt` (ms). */
export function callbackToken(secret: string, jobId: string, ref: AttemptRef, expiresAt: number): string {
  const claims = `${ref.round}.${ref.attempt}.${seconds(expiresAt)}`
  return `${claims}.${sign(secret, 'callback', `${jobId}.${claims}`)}`
}

/** The attempt a callback token speaks for. */
export function readCallbackToken(
  secrets: readonly string[],
  jobId: string,
  token: string | null,
  now: number,
): { ok: true; ref: AttemptRef } | { ok: false; fault: SignatureFault } {
  if (!token) return { ok: false, fault: 'signature_missing' }
  const match = /^(\d{1,6})\.(\d{1,6})\.(\d{1,12})\.([\w-]{43})$/.exec(token)
  const [, round = '', attempt = '', expires = '', signature = ''] = match ?? []
  if (!verify(secrets, 'callback', `${jobId}.${round}.${attempt}.${expires}`, signature)) {
    return { ok: false, fault: 'signature_invalid' }
  }
  if (now >= Number(expires) * 1000) return { ok: false, fault: 'signature_expired' }
  return { ok: true, ref: { round: Number(round), attempt: Number(attempt) } }
}

// Signed URLs

/** Presentation only, and added by whoever opens the URL: not part of what is signed. */
const UNSIGNED = new Set(['sig', 'inline', 'token'])

/**
 * Adds `exp` and `sig` to `path?params`. The signature covers the purpose, `subject` (method and key, or the route),
 * and every parameter that is not presentation.
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

/** Checks what `signedQuery` made; null when it holds. */
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

/** `output_url` and the like stay the same within a window, so that caches and ETags hold. */
export const URL_WINDOW_MS = 10 * 60_000
const DOWNLOAD_TTL_MS = 60 * 60_000

/**
 * `/api/videos/download/<key>?project=…&exp=…&sig=…`, valid for GET and HEAD for an hour and a bit. The project is
 * signed as well, and compared with the owner of whatever lies under the key when the link is used.
 */
export function downloadPath(secret: string, file: OwnedFile, now: number, expiresAt?: number): string {
  const { key, name, projectId } = file
  const params = { project: String(projectId), ...(name !== null && { name }) }
  const until = expiresAt ?? (Math.floor(now / URL_WINDOW_MS) + 1) * URL_WINDOW_MS + DOWNLOAD_TTL_MS
  return `/api/videos/download/${encodeKey(key)}?${signedQuery(secret, 'download', `GET ${key}`, params, until)}`
}

/** `/api/videos/upload/<key>?…&sig=…`. Every limit is a signed parameter: `type`, `size`, `project`, `once`. */
export function uploadPath(
  secret: string,
  key: string,
  params: Record<string, string>,
  expiresAt: number,
): string {
  return `/api/videos/upload/${encodeKey(key)}?${signedQuery(secret, 'upload', `PUT ${key}`, params, expiresAt)}`
}

/** `/api/uploads/part/<key>?…&sig=…`: one part of one upload in parts. */
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

/** `/api/runpod/callback?job=…&round=…&attempt=…&exp=…&sig=…`: RunPod cannot sign, so the URL does. */
export function webhookPath(secret: string, jobId: string, ref: AttemptRef, expiresAt: number): string {
  const params = { job: jobId, round: String(ref.round), attempt: String(ref.attempt) }
  return `/api/runpod/callback?${signedQuery(secret, 'webhook', 'POST', params, expiresAt)}`
}

/** A key inside a path: slashes stay, everything else that could be misread is percent-encoded. */
export function encodeKey(key: string): string {
  return key.split('/').map(encodeURIComponent).join('/')
}

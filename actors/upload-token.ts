/**
 * Upload tokens: what stands in the path of the multipart routes, because Uppy cannot send headers. A token is either
 * for one file, whose key and limits it fixes, or for one project, under which any number of new files may be made.
 * Its claims can be read by whoever holds it, and changed by nobody.
 */
import { base64url, type SignatureFault, sign, verify } from './signing.ts'

export interface FileClaims {
  readonly kind: 'file'
  readonly key: string
  readonly contentType: string
  /** Announced size; null for an output, whose size nobody knows beforehand. */
  readonly sizeBytes: number | null
  /** Of every part but the last, as the plan says that came with this token; missing where there was no plan. */
  readonly partBytes?: number
  /** Whose file it will be; null when the deployment's own. */
  readonly projectId: number | null
  readonly jobId: string | null
}

export interface ProjectClaims {
  readonly kind: 'project'
  readonly projectId: number | null
}

export type UploadClaims = FileClaims | ProjectClaims

export type UploadTokenAnswer =
  | { ok: true; claims: UploadClaims; expiresAt: number }
  | { ok: false; fault: SignatureFault }

/** @param expiresAt milliseconds; rounded up to seconds */
export function uploadToken(secret: string, claims: UploadClaims, expiresAt: number): string {
  const text = JSON.stringify({ ...claims, exp: Math.ceil(expiresAt / 1000) })
  const payload = base64url(new TextEncoder().encode(text))
  return `${payload}.${sign(secret, 'upload-token', payload)}`
}

/** Checks what `uploadToken` made. */
export function readUploadToken(secrets: readonly string[], token: string, now: number): UploadTokenAnswer {
  const [payload = '', signature = '', more] = token.split('.')
  if (more !== undefined || !verify(secrets, 'upload-token', payload, signature)) {
    return { ok: false, fault: 'signature_invalid' }
  }
  // What we signed ourselves has the shape that we gave it.
  const { exp, ...claims }: UploadClaims & { exp: number } = JSON.parse(textOf(payload))
  if (now >= exp * 1000) return { ok: false, fault: 'signature_expired' }
  return { ok: true, claims, expiresAt: exp * 1000 }
}

/** `/api/uploads/<token>`: what Uppy takes as `companionEndpoint`. */
export function companionPath(secret: string, claims: UploadClaims, expiresAt: number): string {
  return `/api/uploads/${uploadToken(secret, claims, expiresAt)}`
}

function textOf(payload: string): string {
  const binary = atob(payload.replaceAll('-', '+').replaceAll('_', '/'))
  return new TextDecoder().decode(Uint8Array.from(binary, (character) => character.charCodeAt(0)))
}

/**
 * Upload tokens, part of the path of the multipart routes because Uppy cannot send headers. A token is valid either for
 * one file, with fixed key and limits, or for one project, in which any number of new files may be created. Its claims
 * are readable by its holder, and signed.
 */
import { base64url, textOfBase64url } from './base64url.ts'
import { type SignatureFault, sign, verify } from './signing.ts'

export interface FileClaims {
  readonly kind: 'file'
  readonly key: string
  readonly contentType: string
  /** Announced size; null for an output, whose size is unknown beforehand. */
  readonly sizeBytes: number | null
  /** Size of every part but the last, by the plan sent with this token; absent without a plan. */
  readonly partBytes?: number
  /** The project that will own the file; null for the deployment's own. */
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
  const payload = base64url(JSON.stringify({ ...claims, exp: Math.ceil(expiresAt / 1000) }))
  return `${payload}.${sign(secret, 'upload-token', payload)}`
}

/** Verifies and parses the result of `uploadToken`. */
export function readUploadToken(secrets: readonly string[], token: string, now: number): UploadTokenAnswer {
  const [payload = '', signature = '', more] = token.split('.')
  if (more !== undefined || !verify(secrets, 'upload-token', payload, signature)) {
    return { ok: false, fault: 'signature_invalid' }
  }
  // A payload with a valid signature has the expected shape.
  const { exp, ...claims }: UploadClaims & { exp: number } = JSON.parse(textOfBase64url(payload))
  if (now >= exp * 1000) return { ok: false, fault: 'signature_expired' }
  return { ok: true, claims, expiresAt: exp * 1000 }
}

/** `/api/uploads/<token>`, for Uppy's `companionEndpoint`. */
export function companionPath(secret: string, claims: UploadClaims, expiresAt: number): string {
  return `/api/uploads/${uploadToken(secret, claims, expiresAt)}`
}

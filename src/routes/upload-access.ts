/** What a request to the multipart routes may touch: by its token, and the key and upload id that it names. */
import { NOT_FOUND, type RefusalCode, type Refused } from '../../actors/upload/core.ts'
import type { Access } from '../../actors/upload/upload.ts'
import { readUploadToken, type UploadClaims } from '../../actors/upload-token.ts'
import type { Call } from '../http.ts'
import { INPUT_PREFIX, keyFault, OUTPUT_PREFIX } from '../keys.ts'
import { invalid, Problem } from '../problem.ts'
import { signatureProblem } from './signed.ts'

const MOST_UPLOAD_ID_CHARACTERS = 1024

export interface TokenAccess {
  claims: UploadClaims
  /** Milliseconds. */
  expiresAt: number
}

/** The token in the path. @throws Problem 403 */
export function tokenOf(call: Call): TokenAccess {
  const answer = readUploadToken(call.settings.authSecrets, call.params.token ?? '', Date.now())
  if (answer.ok) return answer
  throw signatureProblem(answer.fault)
}

export interface UploadAccess extends TokenAccess {
  key: string
  access: Access
}

/**
 * Token, `?key=` and the upload id in the path. Whether the upload is this token's own, its actor knows.
 *
 * @throws Problem 400, 403 or 404
 */
export function uploadOf(call: Call): UploadAccess {
  const token = tokenOf(call)
  const { claims } = token
  const key = call.url.searchParams.get('key') ?? (claims.kind === 'file' ? claims.key : '')
  const fault = keyFault(key, claims.kind === 'file' ? [INPUT_PREFIX, OUTPUT_PREFIX] : [INPUT_PREFIX])
  if (fault) throw invalid([{ pointer: '/query/key', detail: fault }])
  if (claims.kind === 'file' && claims.key !== key) throw problemOf(NOT_FOUND)
  const uploadId = decoded(call.params.upload ?? '')
  if (uploadId === '' || uploadId.length > MOST_UPLOAD_ID_CHARACTERS) throw problemOf(NOT_FOUND)
  return { ...token, key, access: { uploadId, projectId: claims.projectId } }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return ''
  }
}

const STATUSES: Record<RefusalCode, number> = {
  upload_not_found: 404,
  upload_complete: 409,
  upload_ending: 409,
  upload_too_large: 413,
  part_missing: 400,
  part_too_small: 400,
  parts_unequal: 400,
  size_mismatch: 400,
}

/** A refusal of the upload's actor, as HTTP says it. */
export function problemOf({ code, detail }: Refused): Problem {
  const headers: Record<string, string> = code === 'upload_ending' ? { 'Retry-After': '1' } : {}
  return new Problem(STATUSES[code], code, detail, { headers })
}

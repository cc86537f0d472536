/** Authorizes requests to the multipart routes by their token, and the key and upload id that they name. */

import { INPUT_PREFIX, OUTPUT_PREFIX } from '../../../actors/shared/owned-file.ts'
import { readUploadToken, type UploadClaims } from '../../../actors/shared/upload-token.ts'
import { NOT_FOUND, type RefusalCode, type Refused } from '../../../actors/upload/rules.ts'
import type { Access } from '../../../actors/upload/upload.ts'
import { signatureProblem } from '../../auth/signed.ts'
import type { Call } from '../../http/exchange.ts'
import { invalid, Problem } from '../../http/problem.ts'
import { keyFault } from '../object-keys.ts'

const MAX_UPLOAD_ID_CHARACTERS = 1024

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
 * Authorizes by the token, `?key=` and the upload id in the path. The upload's actor checks that the upload belongs to
 * this token.
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
  if (uploadId === '' || uploadId.length > MAX_UPLOAD_ID_CHARACTERS) throw problemOf(NOT_FOUND)
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

/** Maps a refusal of the upload's actor to a problem. */
export function problemOf({ code, detail }: Refused): Problem {
  const headers: Record<string, string> = code === 'upload_ending' ? { 'Retry-After': '1' } : {}
  return new Problem(STATUSES[code], code, detail, { headers })
}

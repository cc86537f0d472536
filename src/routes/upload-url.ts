/** POST /api/videos/upload-url: where to PUT a file, signed with everything that limits it. */
import { uploadPath } from '../../actors/signing.ts'
import { requireOwnProject } from '../auth.ts'
import { readJson } from '../body.ts'
import { uploadLimits } from '../env.ts'
import { json, publicUrl, type ScopedCall } from '../http.ts'
import { newId } from '../ids.ts'
import { INPUT_PREFIX, safeName } from '../keys.ts'
import { Problem } from '../problem.ts'
import { UploadUrlBody } from '../schemas/upload.ts'
import { demand } from '../validate.ts'

const MOST_BODY_BYTES = 16 * 1024
/** Long enough for a slow line to begin; an upload that has begun may go on. */
const URL_TTL_MS = 60 * 60_000

/** `{upload_url, video_key, method, headers, expires_at}`. */
export async function createUploadUrl(call: ScopedCall): Promise<Response> {
  const body = demand(UploadUrlBody, await readJson(call.request, { bytes: MOST_BODY_BYTES }))
  const projectId = body.project_id ?? call.caller.projectId
  requireOwnProject(call.caller, projectId)
  requireSize(call, body.size_bytes)
  const key = `${INPUT_PREFIX}${newId()}/${safeName(body.filename)}`
  const expiresAt = Date.now() + URL_TTL_MS
  const limits = {
    type: body.content_type,
    size: String(body.size_bytes),
    ...(projectId !== null && { project: String(projectId) }),
    ...(body.job_id !== undefined && { job: body.job_id }),
  }
  const path = uploadPath(call.settings.authSecrets[0], key, limits, expiresAt)
  return json({
    upload_url: `${publicUrl(call)}${path}`,
    video_key: key,
    method: 'PUT',
    headers: { 'Content-Type': body.content_type },
    expires_at: new Date(expiresAt).toISOString(),
  })
}

/**
 * One PUT passes through the Worker and is bounded by what the zone lets through; larger files go in parts.
 *
 * @throws Problem 413
 */
function requireSize(call: ScopedCall, size: number): void {
  const { uploadBytes, putBytes } = uploadLimits(call.env)
  const errors = [{ pointer: '/size_bytes', detail: `${size} bytes are too many.` }]
  if (size > uploadBytes) {
    throw new Problem(413, 'upload_too_large', `An upload may be at most ${uploadBytes} bytes.`, { errors })
  }
  if (size > putBytes) {
    const detail = `One PUT may carry at most ${putBytes} bytes, and uploads in parts are not available.`
    throw new Problem(413, 'multipart_required', detail, { errors })
  }
}

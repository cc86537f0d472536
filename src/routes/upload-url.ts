/** POST /api/videos/upload-url: where to send a file, in one PUT or in parts, signed with everything that limits it. */
import { iso } from '../../actors/export-job/core/view.ts'
import { uploadPath } from '../../actors/signing.ts'
import { companionPath, type FileClaims } from '../../actors/upload-token.ts'
import { requireOwnProject } from '../auth.ts'
import { readJson } from '../body.ts'
import { s3Of, uploadLimits } from '../env.ts'
import { json, publicUrl, type ScopedCall } from '../http.ts'
import { newId } from '../ids.ts'
import { INPUT_PREFIX, safeName } from '../keys.ts'
import { Problem } from '../problem.ts'
import { presign } from '../s3.ts'
import { type UploadPlan, UploadUrlBody } from '../schemas/upload.ts'
import { demand } from '../validate.ts'
import { mostUploadBytes, partBytes } from './multipart-part.ts'

const MOST_BODY_BYTES = 16 * 1024
/** Long enough for a slow line to begin; an upload that has begun may go on. */
const URL_TTL_MS = 60 * 60_000
/** R2 forgets an unfinished upload after seven days, so its token need not live longer. */
const MULTIPART_TTL_MS = 7 * 24 * 60 * 60_000

/** `{upload_url, video_key, method, headers, expires_at}`; of a large file `upload_url` is null and `multipart` is there. */
export async function createUploadUrl(call: ScopedCall): Promise<Response> {
  const body = demand(UploadUrlBody, await readJson(call.request, { bytes: MOST_BODY_BYTES }))
  const projectId = body.project_id ?? call.caller.projectId
  requireOwnProject(call.caller, projectId)
  requireSize(call, body.size_bytes)
  const file: AnnouncedFile = {
    kind: 'file',
    key: `${INPUT_PREFIX}${newId()}/${safeName(body.filename)}`,
    contentType: body.content_type,
    sizeBytes: body.size_bytes,
    projectId,
    jobId: body.job_id ?? null,
  }
  const now = Date.now()
  const inParts = file.sizeBytes > uploadLimits(call.env).putBytes
  const expiresAt = now + (inParts ? MULTIPART_TTL_MS : URL_TTL_MS)
  const plan = inParts ? multipartPlan(call, file, expiresAt) : await singlePlan(call, file, now, expiresAt)
  const expires = iso(expiresAt)
  return json({ ...plan, video_key: file.key, method: 'PUT', expires_at: expires } satisfies UploadPlan)
}

type AnnouncedFile = FileClaims & { sizeBytes: number }

/** The routes that Uppy speaks; its `getChunkSize` should answer `part_size_bytes`. */
function multipartPlan(call: ScopedCall, file: AnnouncedFile, expiresAt: number) {
  const partSize = partBytes(call.env, file.sizeBytes)
  return {
    upload_url: null,
    headers: {},
    multipart: {
      companion_url: `${publicUrl(call)}${companionPath(call.settings.authSecrets[0], file, expiresAt)}`,
      part_size_bytes: partSize,
      part_count: Math.ceil(file.sizeBytes / partSize),
    },
  }
}

/** One PUT: straight to R2 where its S3 credentials are set, else through this Worker. */
async function singlePlan(call: ScopedCall, file: AnnouncedFile, now: number, expiresAt: number) {
  const { key, contentType, sizeBytes, projectId, jobId } = file
  const type = { 'Content-Type': contentType }
  const project = projectId === null ? {} : { project: String(projectId) }
  const job = jobId === null ? {} : { job: jobId }
  const s3 = s3Of(call.env)
  if (!s3) {
    const limits = { type: contentType, size: String(sizeBytes), ...project, ...job }
    const path = uploadPath(call.settings.authSecrets[0], key, limits, expiresAt)
    return { upload_url: `${publicUrl(call)}${path}`, headers: type }
  }
  const owner = Object.entries({ ...project, ...job }).map(([name, value]) => [`x-amz-meta-${name}`, value])
  const headers = { ...type, ...Object.fromEntries(owner) }
  // Signed as well, though every client sets it by itself: no other size than the announced one fits.
  const signed = { ...headers, 'Content-Length': String(sizeBytes) }
  return { upload_url: await presign(s3, { method: 'PUT', key, headers: signed, now, expiresAt }), headers }
}

/** @throws Problem 413 */
function requireSize(call: ScopedCall, size: number): void {
  const most = mostUploadBytes(call.env)
  if (size <= most) return
  const errors = [{ pointer: '/size_bytes', detail: `${size} bytes are too many.` }]
  throw new Problem(413, 'upload_too_large', `An upload may be at most ${most} bytes.`, { errors })
}

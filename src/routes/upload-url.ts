/** POST /api/videos/upload-url: where to send a file, in one PUT or in parts, signed with everything that limits it. */
import type * as v from 'valibot'
import { iso } from '../../actors/export-job/core/iso.ts'
import { uploadPath } from '../../actors/signing.ts'
import { companionPath, type FileClaims } from '../../actors/upload-token.ts'
import { requireOwnProject } from '../auth.ts'
import { readJson } from '../body.ts'
import { s3Of, uploadLimits } from '../env.ts'
import { json, publicUrl, type ScopedCall } from '../http.ts'
import { newId } from '../ids.ts'
import { INPUT_PREFIX, safeName } from '../keys.ts'
import { jobNotFound, Problem } from '../problem.ts'
import { presign } from '../s3.ts'
import { type UploadPlan, UploadUrlBody } from '../schemas/upload.ts'
import { demand } from '../validate.ts'
import { type JobInReach, jobInReach } from './job-id.ts'
import { mostUploadBytes, partBytes } from './multipart-part.ts'

const MOST_BODY_BYTES = 16 * 1024
/** Long enough for a slow line to begin; an upload that has begun may go on. */
const URL_TTL_MS = 60 * 60_000
/** R2 forgets an unfinished upload after seven days, so its token need not live longer. */
const MULTIPART_TTL_MS = 7 * 24 * 60 * 60_000

/** `{upload_url, video_key, method, headers, expires_at}`; of a large file `upload_url` is null and `multipart` is there. */
export async function createUploadUrl(call: ScopedCall): Promise<Response> {
  const body = demand(UploadUrlBody, await readJson(call.request, { bytes: MOST_BODY_BYTES }))
  const owner = await ownerOf(call, body)
  requireSize(call, body.size_bytes)
  const inParts = body.size_bytes > uploadLimits(call.env).putBytes
  const file: AnnouncedFile = {
    kind: 'file',
    key: `${INPUT_PREFIX}${newId()}/${safeName(body.filename)}`,
    contentType: body.content_type,
    sizeBytes: body.size_bytes,
    ...owner,
    ...(inParts && { partBytes: partBytes(call.env, body.size_bytes) }),
  }
  const now = Date.now()
  const expiresAt = now + (inParts ? MULTIPART_TTL_MS : URL_TTL_MS)
  const plan = inParts ? multipartPlan(call, file, expiresAt) : await singlePlan(call, file, now, expiresAt)
  const expires = iso(expiresAt)
  const { key: video_key, sizeBytes: size_bytes } = file
  return json({ ...plan, video_key, size_bytes, method: 'PUT', expires_at: expires } satisfies UploadPlan)
}

interface Owner {
  readonly projectId: number | null
  readonly jobId: JobInReach | null
}

type AnnouncedFile = FileClaims & Owner & { readonly sizeBytes: number }

/**
 * Whose file it will be. A file for a job is of the job's project.
 *
 * @throws Problem 403 for a project that is not the caller's, 404 for a job that is not of this project
 */
async function ownerOf(
  call: ScopedCall,
  { project_id, job_id }: v.InferOutput<typeof UploadUrlBody>,
): Promise<Owner> {
  const asked = project_id ?? call.caller.projectId
  requireOwnProject(call.caller, asked)
  if (job_id === undefined) return { projectId: asked, jobId: null }
  const { id, projectId } = await jobInReach(call, job_id)
  if (asked !== null && asked !== projectId) throw jobNotFound()
  return { projectId, jobId: id }
}

/** The routes that Uppy speaks; its `getChunkSize` should answer `part_size_bytes`. */
function multipartPlan(call: ScopedCall, file: AnnouncedFile, expiresAt: number) {
  const partSize = file.partBytes ?? partBytes(call.env, file.sizeBytes)
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

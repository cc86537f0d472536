/** POST /api/videos/upload-url: where to upload a file, in one PUT or in parts; the signature covers every limit. */
import type * as v from 'valibot'
import { iso } from '../../actors/export-job/core/iso.ts'
import { INPUT_PREFIX } from '../../actors/shared/owned-file.ts'
import { uploadPath } from '../../actors/shared/signing.ts'
import { companionPath, type FileClaims } from '../../actors/shared/upload-token.ts'
import type { UploadPlan } from '../../wire/files.ts'
import { requireOwnProject } from '../auth/caller.ts'
import { s3Of, uploadLimits } from '../env.ts'
import { json, publicUrl, type ScopedCall } from '../http/exchange.ts'
import { parse } from '../http/parse.ts'
import { jobNotFound, Problem } from '../http/problem.ts'
import { readJson } from '../http/read-json.ts'
import { newId } from '../jobs/ids.ts'
import { type JobInReach, jobInReach } from '../jobs/job-id.ts'
import { mostUploadBytes, partBytes } from './multipart/part.ts'
import { safeName } from './object-keys.ts'
import { presign } from './s3.ts'
import { UploadUrlBody } from './schemas.ts'

const MAX_BODY_BYTES = 16 * 1024
/** Long enough for a slow client to begin; an upload that has begun may be finished later. */
const URL_TTL_MS = 60 * 60_000
/** R2 aborts an unfinished upload after seven days, so its token need not be valid longer. */
const MULTIPART_TTL_MS = 7 * 24 * 60 * 60_000

/**
 * `{upload_url, video_key, method, headers, expires_at}`; for a large file `upload_url` is null and `multipart` is set.
 */
export async function createUploadUrl(call: ScopedCall): Promise<Response> {
  const body = parse(UploadUrlBody, await readJson(call.request, { bytes: MAX_BODY_BYTES }))
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
 * The owner of the new file. A file for a job belongs to the job's project.
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

/** The routes for Uppy; its `getChunkSize` should return `part_size_bytes`. */
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

/** One PUT: directly to R2 when its S3 credentials are set, else through this Worker. */
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
  // Signed although every client sets it by itself, so that only the announced size is accepted.
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

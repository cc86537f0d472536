/**
 * Multipart uploads in the JSON dialect of Uppy's Companion (`@uppy/aws-s3` 6, `companionEndpoint`), authorized by the
 * token in the path alone. This file signs one part, lists the parts, reports progress, and aborts.
 */
import { iso } from '../../../actors/export-job/core/iso.ts'
import { partPath } from '../../../actors/shared/signing.ts'
import type { SignedPart, StoredPart } from '../../../wire/files.ts'
import { s3Of } from '../../env.ts'
import { type Call, json, publicUrl } from '../../http/exchange.ts'
import { Problem } from '../../http/problem.ts'
import { callUpload } from '../../stubs.ts'
import { presign } from '../s3.ts'
import { problemOf, tokenOf, type UploadAccess, uploadOf } from './access.ts'
import { partBytes, partNumber } from './part.ts'
import { listParts } from './s3-parts.ts'
import type { UploadProgress } from './schemas.ts'

/** 64 MiB in an hour is 150 kbit/s; for a slower part a new URL is requested. */
const PART_TTL_MS = 60 * 60_000

/**
 * GET …/s3/multipart/:upload/:part: `{url, expires_at, size_bytes}`, for a PUT of that part. It also extends the
 * upload's life.
 */
export async function signPart(call: Call): Promise<Response> {
  const { key, access, expiresAt } = uploadOf(call)
  const number = partNumber(call.params.part ?? '')
  const answer = await callUpload(call.env, key, (upload) => upload.touch(access, number))
  if (!answer.ok) throw problemOf(answer)
  const { plannedBytes: size = null } = answer
  const now = Date.now()
  const until = Math.min(now + PART_TTL_MS, expiresAt)
  const url = await partUrl(call, { key, uploadId: access.uploadId, number, size, now, until })
  return json({ url, expires_at: iso(until), size_bytes: size || null } satisfies SignedPart)
}

interface PartToSign {
  key: string
  uploadId: string
  number: number
  size: number | null
  /** Milliseconds. */
  now: number
  until: number
}

/**
 * A URL straight to R2 only when the length can be signed, since R2 itself enforces no limit. A part of unknown size is
 * sent through the Worker, which counts its bytes.
 */
async function partUrl(call: Call, { key, uploadId, number, size, now, until }: PartToSign): Promise<string> {
  const s3 = s3Of(call.env)
  if (!s3 || size === null)
    return `${publicUrl(call)}${partPath(call.settings.authSecrets[0], key, uploadId, number, until)}`
  if (size === 0) {
    const detail = `The plan of this upload ends before part ${number}; send parts of part_size_bytes, as it was given.`
    throw new Problem(413, 'upload_too_large', detail)
  }
  const query = { partNumber: String(number), uploadId }
  const headers = { 'Content-Length': String(size) }
  return presign(s3, { method: 'PUT', key, query, headers, now, expiresAt: until })
}

/** GET …/s3/multipart/:upload: `[{PartNumber, Size, ETag, MD5?}]`, the parts that need not be sent again. */
export async function getParts(call: Call): Promise<Response> {
  const upload = uploadOf(call)
  const { parts } = await viewUpload(call, upload)
  const list: StoredPart[] = parts.map(({ number, size, etag, md5 }) => ({
    PartNumber: number,
    Size: size,
    ETag: etag,
    ...(md5 !== null && { MD5: md5 }),
  }))
  return json(list)
}

/** GET …/s3/multipart/:upload/progress: how much of the file is stored. */
export async function getProgress(call: Call): Promise<Response> {
  const upload = uploadOf(call)
  const { state, parts } = await viewUpload(call, upload)
  const { request, phase } = state
  const complete = phase.status === 'complete'
  const uploaded = complete ? phase.size : parts.reduce((sum, part) => sum + part.size, 0)
  const size = complete ? phase.size : request.sizeBytes
  const progress: UploadProgress = {
    key: request.key,
    upload_id: request.uploadId,
    status: complete ? 'complete' : 'open',
    parts: parts.length,
    uploaded_bytes: uploaded,
    size_bytes: size,
    percent: size === null ? null : Math.floor((uploaded / size) * 100),
    part_size_bytes: request.partBytes ?? partBytes(call.env, size),
  }
  return json(progress)
}

/** State and parts of an upload; R2 lists the parts when they were sent there by presigned URLs. */
export async function viewUpload(call: Call, { key, access }: UploadAccess) {
  const answer = await callUpload(call.env, key, (upload) => upload.view(access))
  if (!answer.ok) throw problemOf(answer)
  const s3 = s3Of(call.env)
  if (!s3 || answer.state.phase.status === 'complete') return answer
  return { ...answer, parts: await listParts(s3, key, access.uploadId, Date.now()) }
}

/** DELETE …/s3/multipart/:upload. A complete upload is not changed, nor is its file. */
export async function abortUpload(call: Call): Promise<Response> {
  const { key, access } = uploadOf(call)
  const answer = await callUpload(call.env, key, (upload) => upload.abort(access))
  if (!answer.ok) throw problemOf(answer)
  return json({})
}

/** GET …/s3/params: Uppy requests this for small files, to post a form, which R2 does not accept. */
export async function refuseForm(call: Call): Promise<Response> {
  tokenOf(call)
  const detail = 'Only uploads in parts are offered here: set shouldUseMultipart: true in @uppy/aws-s3.'
  throw new Problem(400, 'multipart_only', detail)
}

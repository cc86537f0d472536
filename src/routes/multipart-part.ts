/** PUT /api/uploads/part/:key: one part streams into R2; its actor is asked before, and told after. */
import { LEAST_PART_BYTES, MOST_PART_BYTES, MOST_PARTS, partSizeFor } from '../../actors/upload/core.ts'
import { type Env, uploadLimits } from '../env.ts'
import type { Call } from '../http.ts'
import { INPUT_PREFIX, keyInPath, OUTPUT_PREFIX } from '../keys.ts'
import { Problem } from '../problem.ts'
import { storageProblem } from '../r2-faults.ts'
import { callUpload } from '../stubs.ts'
import { requireSignature } from './signed.ts'
import { problemOf } from './upload-access.ts'

/** 200 with the part's `ETag`, which completing the upload asks for. */
export async function putPart(call: Call): Promise<Response> {
  const key = keyInPath(call.params.key ?? '', [INPUT_PREFIX, OUTPUT_PREFIX])
  requireSignature(call, 'part', `PUT ${key}`)
  const uploadId = call.url.searchParams.get('upload') ?? ''
  const number = Number(call.url.searchParams.get('part'))
  const size = requireLength(call)
  const admitted = await callUpload(call.env, key, (upload) => upload.admit(uploadId, number, size))
  if (!admitted.ok) throw problemOf(admitted)
  const { etag } = await store(call, key, uploadId, number, size)
  await callUpload(call.env, key, (upload) => upload.partStored(uploadId, { number, etag, size }))
  return new Response(null, { status: 200, headers: { ETag: `"${etag}"`, 'Cache-Control': 'no-store' } })
}

/** What one part may have: the zone's limit, but never less than R2 asks of a part. */
export function mostPartBytes(env: Env): number {
  return Math.max(LEAST_PART_BYTES, Math.min(MOST_PART_BYTES, uploadLimits(env).putBytes))
}

/** The size of every part but the last, of a file of `size` bytes; as large as a part may be while nobody knows. */
export function partBytes(env: Env, size: number | null): number {
  return size === null ? mostPartBytes(env) : partSizeFor(size, mostPartBytes(env))
}

/** The largest file that may be uploaded at all, in bytes: by the deployment's word, and by what its parts can hold. */
export function mostUploadBytes(env: Env): number {
  return Math.min(uploadLimits(env).uploadBytes, mostPartBytes(env) * MOST_PARTS)
}

/** The number in a path or query. @throws Problem 400 */
export function partNumber(text: string): number {
  const number = Number(text)
  if (/^\d{1,5}$/.test(text) && number >= 1 && number <= MOST_PARTS) return number
  throw new Problem(400, 'invalid_part_number', `Parts are numbered from 1 to ${MOST_PARTS}.`)
}

/** @throws Problem 411, 400 or 413 */
function requireLength({ request, env }: Call): number {
  const header = request.headers.get('Content-Length')
  if (header === null || !/^\d+$/.test(header)) {
    throw new Problem(411, 'length_required', 'Send the part with a Content-Length.')
  }
  const length = Number(header)
  const most = mostPartBytes(env)
  if (length > most) throw new Problem(413, 'part_too_large', `A part may have at most ${most} bytes.`)
  if (length === 0) throw new Problem(400, 'empty_body', 'A part must have at least one byte.')
  return length
}

async function store(
  call: Call,
  key: string,
  uploadId: string,
  number: number,
  size: number,
): Promise<R2UploadedPart> {
  const { body } = call.request
  if (!body) throw new Problem(400, 'empty_body', 'A part must have at least one byte.')
  try {
    const upload = call.env.VIDEOS.resumeMultipartUpload(key, uploadId)
    // R2 wants to know the length of a stream; one that turns out shorter or longer fails and stores nothing.
    return await upload.uploadPart(number, body.pipeThrough(new FixedLengthStream(size)))
  } catch (error) {
    throw storageProblem(call, 'uploadPart', error)
  }
}

/** PUT /api/uploads/part/:key: one part streams into R2; its actor is asked before, and told after. */
import { LEAST_PART_BYTES, MOST_PART_BYTES, MOST_PARTS, partSizeFor } from '../../actors/upload/core.ts'
import { announcedChecksum, type ChecksumName, checksumMismatch } from '../checksums.ts'
import { type Env, uploadLimits } from '../env.ts'
import { toHex } from '../hex.ts'
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
  const checksum = announcedChecksum(call.request.headers)
  const admitted = await callUpload(call.env, key, (upload) => upload.admit(uploadId, number, size))
  if (!admitted.ok) throw problemOf(admitted)
  const { etag, digests } = await store(call, { key, uploadId, number, size }, checksum?.name)
  const md5 = toHex(digests.md5)
  await callUpload(call.env, key, (upload) => upload.partStored(uploadId, { number, etag, size, md5 }))
  // Storage has it all the same, so it is noted as what it is: sent again it is replaced.
  if (checksum && toHex(checksum.bytes) !== toHex(digests[checksum.name])) throw checksumMismatch('part')
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

interface PartToStore {
  key: string
  uploadId: string
  number: number
  size: number
}

interface StoredPart {
  etag: string
  digests: Record<ChecksumName, Uint8Array>
}

/** The part goes to R2 and, as it passes, into its MD5 and into the checksum that was asked for besides. */
async function store(call: Call, part: PartToStore, asked: ChecksumName = 'md5'): Promise<StoredPart> {
  const { body } = call.request
  if (!body) throw new Problem(400, 'empty_body', 'A part must have at least one byte.')
  const algorithms = asked === 'md5' ? ['MD5'] : ['MD5', 'SHA-256']
  const sums = algorithms.map((algorithm) => new crypto.DigestStream(algorithm))
  // R2 wants to know the length of a stream; one that turns out shorter or longer fails and stores nothing.
  const sized = body.pipeThrough(passing(sums)).pipeThrough(new FixedLengthStream(part.size))
  let etag: string
  try {
    const upload = call.env.VIDEOS.resumeMultipartUpload(part.key, part.uploadId)
    etag = (await upload.uploadPart(part.number, sized)).etag
  } catch (error) {
    throw storageProblem(call, 'uploadPart', error)
  }
  const [md5 = NOTHING, sha256 = NOTHING] = await Promise.all(sums.map(({ digest }) => digest))
  return { etag, digests: { md5: new Uint8Array(md5), sha256: new Uint8Array(sha256) } }
}

const NOTHING = new ArrayBuffer(0)

/** Lets bytes through and sums them up. Not `tee()`: that keeps in memory what the slower of two readers leaves. */
function passing(sums: readonly DigestStream[]): TransformStream<Uint8Array, Uint8Array> {
  const writers = sums.map((sum) => sum.getWriter())
  return new TransformStream<Uint8Array, Uint8Array>({
    async transform(chunk, controller) {
      await Promise.all(writers.map((writer) => writer.write(chunk)))
      controller.enqueue(chunk)
    },
    async flush() {
      await Promise.all(writers.map((writer) => writer.close()))
    },
  })
}

/** PUT /api/uploads/part/:key: streams one part into R2; the upload's actor checks it before, and records it after. */

import { INPUT_PREFIX, OUTPUT_PREFIX } from '../../../actors/shared/owned-file.ts'
import { LEAST_PART_BYTES, MAX_PART_BYTES, MAX_PARTS, partSizeFor } from '../../../actors/upload/rules.ts'
import { requireSignature } from '../../auth/signed.ts'
import { type Env, uploadLimits } from '../../env.ts'
import type { Call } from '../../http/exchange.ts'
import { Problem } from '../../http/problem.ts'
import { callUpload } from '../../stubs.ts'
import { announcedChecksum, type ChecksumName, checksumMismatch } from '../checksums.ts'
import { toHex } from '../hex.ts'
import { keyInPath } from '../object-keys.ts'
import { storageProblem } from '../r2-faults.ts'
import { problemOf } from './access.ts'

/** 200 with the part's `ETag`, which is needed to complete the upload. */
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
  // R2 has stored the part, so it is recorded with its real digest; sending it again replaces it.
  if (checksum && toHex(checksum.bytes) !== toHex(digests[checksum.name])) throw checksumMismatch('part')
  return new Response(null, { status: 200, headers: { ETag: `"${etag}"`, 'Cache-Control': 'no-store' } })
}

/** Maximum size of one part: the zone's limit, but at least R2's minimum part size. */
export function mostPartBytes(env: Env): number {
  return Math.max(LEAST_PART_BYTES, Math.min(MAX_PART_BYTES, uploadLimits(env).putBytes))
}

/** Size of every part except the last, for a file of `size` bytes; the maximum when the size is unknown. */
export function partBytes(env: Env, size: number | null): number {
  return size === null ? mostPartBytes(env) : partSizeFor(size, mostPartBytes(env))
}

/** Maximum size of an upload in bytes: the deployment's setting, or what the maximum number of parts can hold. */
export function mostUploadBytes(env: Env): number {
  return Math.min(uploadLimits(env).uploadBytes, mostPartBytes(env) * MAX_PARTS)
}

/** Parses a part number of a path or query. @throws Problem 400 */
export function partNumber(text: string): number {
  const number = Number(text)
  if (/^\d{1,5}$/.test(text) && number >= 1 && number <= MAX_PARTS) return number
  throw new Problem(400, 'invalid_part_number', `Parts are numbered from 1 to ${MAX_PARTS}.`)
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

/** Streams the part to R2 and, on the way, into its MD5 and the checksum that was requested. */
async function store(call: Call, part: PartToStore, asked: ChecksumName = 'md5'): Promise<StoredPart> {
  const { body } = call.request
  if (!body) throw new Problem(400, 'empty_body', 'A part must have at least one byte.')
  const algorithms = asked === 'md5' ? ['MD5'] : ['MD5', 'SHA-256']
  const sums = algorithms.map((algorithm) => new crypto.DigestStream(algorithm))
  // R2 needs the length of a stream; one that turns out shorter or longer fails, and nothing is stored.
  const sized = digested(body, sums).pipeThrough(new FixedLengthStream(part.size))
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
/** The runtime's own pieces have 4 KiB, and each costs the processor about as much as one of this size. */
const PIECE_BYTES = 64 * 1024

/**
 * Passes bytes through and digests them. Not `tee()`, which buffers in memory whatever the slower reader has not read.
 */
function digested(
  body: ReadableStream<Uint8Array>,
  sums: readonly DigestStream[],
): ReadableStream<Uint8Array> {
  const reader = body.getReader({ mode: 'byob' })
  const writers = sums.map((sum) => sum.getWriter())
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value, done } = await reader.readAtLeast(PIECE_BYTES, new Uint8Array(PIECE_BYTES))
      if (done) {
        await Promise.all(writers.map((writer) => writer.close()))
        return controller.close()
      }
      await Promise.all(writers.map((writer) => writer.write(value)))
      controller.enqueue(value)
    },
    cancel: (reason) => reader.cancel(reason),
  })
}

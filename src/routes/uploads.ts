/** PUT /api/videos/upload/:key: the body streams into R2 and is never held in memory. */
import { logFault } from '../../actors/log.ts'
import { mediaType } from '../body.ts'
import { announcedChecksum, checksumMismatch } from '../checksums.ts'
import { uploadLimits } from '../env.ts'
import { type Call, json } from '../http.ts'
import { INPUT_PREFIX, keyInPath, OUTPUT_PREFIX } from '../keys.ts'
import { storedType, UNNAMED_TYPE } from '../media-types.ts'
import { Problem, unavailable } from '../problem.ts'
import type { StoredVideo } from '../schemas/upload.ts'
import { requireSignature, signatureProblem } from './signed.ts'

/** 201 `{key, size, etag}`; 412 when the file is there already and may be written only once. */
export async function putVideo(call: Call): Promise<Response> {
  const key = keyInPath(call.params.key ?? '', [INPUT_PREFIX, OUTPUT_PREFIX])
  requireSignature(call, 'upload', `PUT ${key}`)
  const { request } = call
  const length = requireLength(call)
  const contentType = requireType(call)
  const checksum = announcedChecksum(request.headers)
  const once =
    call.url.searchParams.get('once') === '1' || request.headers.get('If-None-Match')?.trim() === '*'
  const stored = await store(call, key, length, {
    httpMetadata: { contentType },
    customMetadata: ownership(call.url.searchParams),
    ...(once && { onlyIf: { etagDoesNotMatch: '*' } }),
    ...(checksum && { [checksum.name]: checksum.bytes }),
  })
  if (!stored) {
    throw new Problem(412, 'already_exists', 'This file is there already, and may be written only once.')
  }
  const body: StoredVideo = { key, size: stored.size, etag: stored.httpEtag }
  return json(body, 201, { ETag: stored.httpEtag })
}

/** @throws Problem 411, 400 or 413 */
function requireLength(call: Call): number {
  const header = call.request.headers.get('Content-Length')
  if (header === null || !/^\d+$/.test(header)) {
    throw new Problem(411, 'length_required', 'Send the file with a Content-Length.')
  }
  const length = Number(header)
  const announced = call.url.searchParams.get('size')
  const { putBytes, uploadBytes } = uploadLimits(call.env)
  if (length > uploadBytes) {
    throw new Problem(413, 'upload_too_large', `An upload may be at most ${uploadBytes} bytes.`)
  }
  if (length > putBytes) {
    const detail = `One PUT may carry at most ${putBytes} bytes; POST /api/videos/upload-url offers larger files in parts.`
    throw new Problem(413, 'body_too_large', detail)
  }
  if (announced !== null && length !== Number(announced)) {
    const detail = `${announced} bytes were announced for this upload, but Content-Length says ${length}.`
    throw new Problem(length > Number(announced) ? 413 : 400, 'size_mismatch', detail)
  }
  if (length === 0) throw new Problem(400, 'empty_body', 'An empty file cannot be stored as a video.')
  return length
}

/** @throws Problem 415 */
function requireType(call: Call): string {
  const sent = mediaType(call.request.headers.get('Content-Type'))
  const announced = call.url.searchParams.get('type')
  if (announced !== null && sent !== announced) {
    const detail = `Send the file as Content-Type: ${announced}, as it was announced.`
    throw new Problem(415, 'type_mismatch', detail, { headers: { Accept: announced } })
  }
  // What is no media is not believed, unless it was announced: `fetch` calls every text text/plain.
  if (announced === null && !/^(?:video|image)\//.test(sent)) return UNNAMED_TYPE
  return storedType(sent)
}

/** What the signed URL says of whose file this is. */
function ownership(query: URLSearchParams): Record<string, string> {
  const names = ['project', 'job'] as const
  return Object.fromEntries(names.flatMap((name) => (query.has(name) ? [[name, query.get(name) ?? '']] : [])))
}

/** When the signed URL dies, in milliseconds. */
function expiresAt(call: Call): number {
  return Number(call.url.searchParams.get('exp')) * 1000
}

/** R2's own codes for a body that does not fit its checksum. */
const CHECKSUM_FAULT = /\((?:10037|10014)\)/

async function store(
  call: Call,
  key: string,
  length: number,
  options: R2PutOptions,
): Promise<R2Object | null> {
  const { body } = call.request
  if (!body) throw new Problem(400, 'empty_body', 'An empty file cannot be stored as a video.')
  // An output's URL must hold until the last byte: what a deleted job was still sent would stay for ever. An input that
  // has begun may go on, on however slow a line: what no job names is swept.
  const mustEnd = key.startsWith(OUTPUT_PREFIX)
  const deadline = new AbortController()
  const timer = mustEnd && setTimeout(() => deadline.abort(), expiresAt(call) - Date.now())
  try {
    // R2 wants to know the length of a stream; one that turns out shorter or longer fails and stores nothing.
    const { readable, writable } = new FixedLengthStream(length)
    // What goes wrong on the way in is what R2 then says went wrong.
    body.pipeTo(writable, { signal: deadline.signal }).catch(() => {})
    return await call.env.VIDEOS.put(key, readable, options)
  } catch (error) {
    if (deadline.signal.aborted) throw signatureProblem('signature_expired')
    const text = String(error)
    if (CHECKSUM_FAULT.test(text)) {
      throw checksumMismatch('file')
    }
    if (/FixedLengthStream/.test(text)) {
      throw new Problem(400, 'size_mismatch', 'The file is shorter or longer than its Content-Length.')
    }
    logFault('r2', error, { doing: 'put', request_id: call.requestId })
    throw unavailable('storage_unavailable', 'Storage did not take the file; try again shortly.')
  } finally {
    if (timer) clearTimeout(timer)
  }
}

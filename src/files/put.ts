/** PUT /api/videos/upload/:key: streams the body into R2 without buffering it in memory. */
import { logFault } from '../../actors/shared/log.ts'
import { INPUT_PREFIX, OUTPUT_PREFIX } from '../../actors/shared/owned-file.ts'
import type { StoredVideo } from '../../wire/files.ts'
import { requireSignature, signatureProblem } from '../auth/signed.ts'
import { uploadLimits } from '../env.ts'
import { type Call, json } from '../http/exchange.ts'
import { Problem, unavailable } from '../http/problem.ts'
import { mediaType } from '../http/read-json.ts'
import { announcedChecksum, checksumMismatch } from './checksums.ts'
import { storedType, UNNAMED_TYPE } from './media-types.ts'
import { keyInPath } from './object-keys.ts'

/** 201 `{key, size, etag}`; 412 when the file exists and may be written only once. */
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
  const most = call.url.searchParams.get('most')
  if (most !== null && length > Number(most)) {
    throw new Problem(413, 'body_too_large', `This file may have at most ${most} bytes.`)
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
  // A type that is not video or image is ignored unless it was announced: `fetch` sends every string as text/plain.
  if (announced === null && !/^(?:video|image)\//.test(sent)) return UNNAMED_TYPE
  return storedType(sent)
}

/** The owner of the file, from the signed URL. */
function ownership(query: URLSearchParams): Record<string, string> {
  const names = ['project', 'job'] as const
  return Object.fromEntries(names.flatMap((name) => (query.has(name) ? [[name, query.get(name) ?? '']] : [])))
}

/** When the signed URL expires, in milliseconds. */
function expiresAt(call: Call): number {
  return Number(call.url.searchParams.get('exp')) * 1000
}

/** R2's error codes for a body that does not match its checksum. */
const CHECKSUM_FAULT = /\((?:10037|10014)\)/

async function store(
  call: Call,
  key: string,
  length: number,
  options: R2PutOptions,
): Promise<R2Object | null> {
  const { body } = call.request
  if (!body) throw new Problem(400, 'empty_body', 'An empty file cannot be stored as a video.')
  // An output's URL must be valid until the last byte, or bytes sent for a deleted job would be stored for ever. An
  // input may be finished late over a slow connection: the sweep removes inputs that no job names.
  const mustEnd = key.startsWith(OUTPUT_PREFIX)
  const deadline = new AbortController()
  const timer = mustEnd && setTimeout(() => deadline.abort(), expiresAt(call) - Date.now())
  try {
    // R2 needs the length of a stream; one that turns out shorter or longer fails, and nothing is stored.
    const { readable, writable } = new FixedLengthStream(length)
    // A failure of the input makes `put` below fail with the same error.
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

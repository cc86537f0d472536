/**
 * Uploads a large result in parts, by the routes below `output.multipart_url`: begin, sign each part, PUT it, complete.
 * Every call may be repeated: beginning again returns the same upload, and a part that is sent twice counts once.
 */
import { createReadStream } from 'node:fs'
import * as v from 'valibot'
import { JobFailure } from './failure.ts'
import { counting, isGood, persist, put, refusal, type TransferOptions } from './transfer.ts'
import { USER_AGENT } from './user-agent.ts'

/** How often an upload that the service has lost is restarted. */
const BEGINNINGS = 3

/** A final state: the file exists, or the upload is unknown to the service. */
type End = 'stored' | 'gone'

const Begun = v.looseObject({
  key: v.string(),
  uploadId: v.string(),
  part_size_bytes: v.pipe(v.number(), v.integer(), v.minValue(1)),
})
const Signed = v.looseObject({ url: v.string() })

/** Stores the file at `path`. @throws JobFailure `worker_error` when the service refuses or the tries are used up */
export async function storeInParts(
  path: string,
  size: number,
  url: string,
  options: TransferOptions,
): Promise<void> {
  for (let nth = 0; nth < BEGINNINGS; nth++) {
    if ((await sendParts(path, size, `${url}/s3/multipart`, options)) === 'stored') return
  }
  throw new JobFailure('worker_error', 'The upload of the result was lost again and again.', true)
}

async function sendParts(path: string, size: number, base: string, options: TransferOptions): Promise<End> {
  const { signal } = options
  const begun = await persist(options, () => ask(base, signal, { size_bytes: size }))
  if (isEnd(begun)) return begun
  const { key, uploadId, part_size_bytes: partSize } = v.parse(Begun, begun.body)
  const at = (rest: string) => `${base}/${encodeURIComponent(uploadId)}${rest}?key=${encodeURIComponent(key)}`
  const parts: { PartNumber: number; ETag: string }[] = []
  for (let start = 0; start < size; start += partSize) {
    const number = parts.length + 1
    const part = { path, start, length: Math.min(partSize, size - start), size }
    const sent = await persist(options, () => sendPart(at(`/${number}`), part, options))
    if (isEnd(sent)) return sent
    parts.push({ PartNumber: number, ETag: sent.etag })
  }
  const completed = await persist(options, () => ask(at('/complete'), signal, { parts }))
  return isEnd(completed) ? completed : 'stored'
}

interface Part {
  path: string
  start: number
  length: number
  /** Size of the whole file. */
  size: number
}

/** Signs and sends a part; after an expired signature (403) the next try signs again. */
async function sendPart(
  sign: string,
  { path, start, length, size }: Part,
  { onFraction, signal }: TransferOptions,
): Promise<{ etag: string } | End> {
  const signed = await ask(sign, signal)
  if (isEnd(signed)) return signed
  const { url } = v.parse(Signed, signed.body)
  const file = createReadStream(path, { start, end: start + length - 1 })
  const through = counting(length, (done) => onFraction?.((start + done * length) / size))
  const { status, etag } = await put(url, { 'content-length': length }, file, through, signal)
  if (isGood(status) && etag !== undefined) return { etag }
  if (status === 403) throw new Error('The signature of a part of the result ran out.')
  const end = endOf(status, null)
  if (end === null) throw refusal(status)
  return end
}

/** One JSON request of the multipart routes; a POST when it has a body. */
async function ask(url: string, signal: AbortSignal, body?: unknown): Promise<{ body: unknown } | End> {
  const answer = await fetch(url, {
    signal,
    headers: { 'content-type': 'application/json', 'user-agent': USER_AGENT },
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
  })
  if (answer.ok) return { body: await answer.json() }
  const end = endOf(answer.status, codeOf(await answer.text()))
  if (end === null) throw refusal(answer.status)
  return end
}

/**
 * 412, or 409 for a complete upload: an earlier try, or another upload, stored the file. 404: the upload was aborted.
 */
function endOf(status: number, code: string | null): End | null {
  if (status === 412 || (status === 409 && code === 'upload_complete')) return 'stored'
  return status === 404 ? 'gone' : null
}

const Refused = v.looseObject({ code: v.string() })

function codeOf(text: string): string | null {
  try {
    const { success, output } = v.safeParse(Refused, JSON.parse(text))
    return success ? output.code : null
  } catch {
    return null
  }
}

function isEnd(answer: object | End): answer is End {
  return typeof answer === 'string'
}

/** The result to where the service wants it: by one PUT, or in parts when it is large or one PUT is refused as too large. */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import * as v from 'valibot'
import type { ExportInput } from './input.ts'
import { counting, persist, put, refusal, type TransferOptions } from './transfer.ts'

/** What passes through most proxies in one request; above it a lost connection costs too much as well. */
const MOST_PUT_BYTES = 64 * 1024 ** 2

/**
 * Stores the file at `path`, once: what is there already stays, which is as good. Throws `worker_error` when the URL
 * refuses or the tries are used up.
 */
export async function storeResult(
  path: string,
  output: ExportInput['output'],
  options: TransferOptions,
): Promise<void> {
  const { size } = await stat(path)
  const { multipart_url: inParts } = output
  if (inParts !== undefined && size > MOST_PUT_BYTES) return storeInParts(path, size, inParts, options)
  const status = await persist(options, () => putWhole(path, size, output, options))
  if (status === 'stored') return
  if (inParts === undefined) throw refusal(413)
  return storeInParts(path, size, inParts, options)
}

/** By PUT with `If-None-Match: *`; 412 says that the object is there. */
async function putWhole(
  path: string,
  size: number,
  output: ExportInput['output'],
  { onFraction, signal }: TransferOptions,
): Promise<'stored' | 'too_large'> {
  const headers = { 'content-type': output.content_type, 'content-length': size, 'if-none-match': '*' }
  const { status } = await put(
    output.put_url,
    headers,
    createReadStream(path),
    counting(size, onFraction),
    signal,
  )
  if (status === 412 || isGood(status)) return 'stored'
  if (status === 413) return 'too_large'
  throw refusal(status)
}

const Begun = v.looseObject({
  key: v.string(),
  uploadId: v.string(),
  part_size_bytes: v.pipe(v.number(), v.integer(), v.minValue(1)),
})
const Signed = v.looseObject({ url: v.string() })

/** Each part is signed, sent and tried again by itself. */
async function storeInParts(
  path: string,
  size: number,
  url: string,
  options: TransferOptions,
): Promise<void> {
  const { signal } = options
  const base = `${url}/s3/multipart`
  const begun = await persist(options, () => ask(base, signal, {}))
  if (begun === ALREADY_THERE) return
  const { key, uploadId, part_size_bytes: partSize } = v.parse(Begun, begun)
  const at = (rest: string) => `${base}/${encodeURIComponent(uploadId)}${rest}?key=${encodeURIComponent(key)}`
  const parts: { PartNumber: number; ETag: string }[] = []
  for (let start = 0; start < size; start += partSize) {
    const number = parts.length + 1
    const length = Math.min(partSize, size - start)
    const onFraction = (done: number) => options.onFraction?.((start + done * length) / size)
    const etag = await persist(options, async () => {
      const signed = v.parse(Signed, await ask(at(`/${number}`), signal))
      const file = createReadStream(path, { start, end: start + length - 1 })
      const through = counting(length, onFraction)
      const answer = await put(signed.url, { 'content-length': length }, file, through, signal)
      if (!isGood(answer.status) || answer.etag === undefined) throw refusal(answer.status)
      return answer.etag
    })
    parts.push({ PartNumber: number, ETag: etag })
  }
  await persist(options, () => ask(at('/complete'), signal, { parts }))
}

/** 412: an earlier try, or another way, stored the result. */
const ALREADY_THERE = Symbol('already there')

/** One JSON request of the multipart routes; with a body it is a POST. */
async function ask(url: string, signal: AbortSignal, body?: unknown): Promise<unknown> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(url, {
    signal,
    ...(body !== undefined && { method: 'POST', headers, body: JSON.stringify(body) }),
  })
  if (answer.ok) return answer.json()
  await answer.body?.cancel()
  if (answer.status === 412) return ALREADY_THERE
  throw refusal(answer.status)
}

function isGood(status: number): boolean {
  return status >= 200 && status < 300
}

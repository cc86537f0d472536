/** Uploads the result: by one PUT, or in parts when it is large or was refused as too large for one. */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { ExportInput } from './input.ts'
import { storeInParts } from './store-in-parts.ts'
import { counting, isGood, persist, put, refusal, type TransferOptions } from './transfer.ts'

/**
 * The body size that most proxies accept; for a larger one, repeating after a lost connection costs too much as well.
 */
const MAX_PUT_BYTES = 64 * 1024 ** 2

/** The destination of a file, and its type. */
type Target = Pick<ExportInput['output'], 'put_url' | 'content_type' | 'multipart_url'>

/**
 * Stores the file at `path` once: an existing object is kept, which counts as success. Throws `worker_error` when the
 * URL refuses it or all tries failed.
 */
export async function storeResult(path: string, output: Target, options: TransferOptions): Promise<void> {
  const { size } = await stat(path)
  const { multipart_url: inParts } = output
  if (inParts !== undefined && size > MAX_PUT_BYTES) return storeInParts(path, size, inParts, options)
  const status = await persist(options, () => putWhole(path, size, output, options))
  if (status === 'stored') return
  if (inParts === undefined) throw refusal(413)
  return storeInParts(path, size, inParts, options)
}

/** A PUT with `If-None-Match: *`; 412 means that the object exists. */
async function putWhole(
  path: string,
  size: number,
  output: Target,
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

/**
 * Uploads a large file in parts: each one is signed, sent and repeated separately, and parts that are already stored
 * are not sent again. Under the same plan it is always the same upload, so that a later call continues an earlier one.
 */
import type {
  BegunUpload,
  CompleteUpload,
  MultipartPlan,
  SignedPart,
  StoredPart,
  UploadedPart,
} from '../wire/files.ts'
import type { ExportalError } from './errors.ts'
import type { ApiRequest, Transport } from './http.ts'
import { etagOfParts, md5Of } from './md5.ts'
import { put, type Source, sourceOfBlob, whileReadable, wrongSize } from './upload-put.ts'

export type { StoredPart }

interface SendOptions {
  signal?: AbortSignal | undefined
  /** Bytes that are stored or in transit. */
  onSent(bytes: number): void
}

/** For a Blob; a stream is read in order, with one part of it in memory. */
const AT_ONCE = 3
/** With their pauses about a minute, enough for a change of networks or a lift. */
const TRIES = 10

/** Whether exactly these bytes are stored; false without a checksum. */
export async function isStored({ Size, MD5 }: StoredPart, bytes: Blob): Promise<boolean> {
  return Size === bytes.size && MD5 !== undefined && MD5 === (await md5Of(bytes))
}

/**
 * Stores the whole file, or rejects with the first error that remains after all repeats. False when another file was
 * stored under this plan already, in which case nothing is sent.
 */
export async function sendParts(
  http: Transport,
  plan: MultipartPlan,
  source: Source,
  { signal, onSent }: SendOptions,
): Promise<boolean> {
  signal?.throwIfAborted()
  // A part that fails for good aborts the others.
  const own = new AbortController()
  const abort = () => own.abort(signal?.reason)
  signal?.addEventListener('abort', abort, { once: true })
  try {
    return await new PartsUpload(http, plan, source, own, onSent).run()
  } finally {
    own.abort()
    signal?.removeEventListener('abort', abort)
  }
}

class PartsUpload {
  readonly #http: Transport
  readonly #plan: MultipartPlan
  readonly #source: Source
  readonly #own: AbortController
  readonly #onSent: (bytes: number) => void
  readonly #parts: UploadedPart[] = []
  readonly #underWay = new Map<number, number>()
  #stored = 0
  #path = ''

  constructor(
    http: Transport,
    plan: MultipartPlan,
    source: Source,
    own: AbortController,
    onSent: (bytes: number) => void,
  ) {
    this.#http = http
    this.#plan = plan
    this.#source = source
    this.#own = own
    this.#onSent = onSent
  }

  async run(): Promise<boolean> {
    const begun = await this.#begin()
    if (typeof begun === 'boolean') return begun
    const base = `${this.#plan.companion_url}/s3/multipart`
    this.#path = `${base}/${encodeURIComponent(begun.uploadId)}`
    const there = await this.#listed(begun.key)
    const pieces = cut(this.#source, this.#plan.part_size_bytes)
    const workers = Array.from({ length: this.#source.blob ? AT_ONCE : 1 }, async () => {
      for await (const piece of pieces) await this.#send(begun.key, piece, there)
    })
    try {
      await Promise.all(workers)
    } catch (error) {
      this.#own.abort(error)
      throw error
    }
    const parts = this.#parts.toSorted((a, b) => a.PartNumber - b.PartNumber)
    await this.#ask({
      method: 'POST',
      path: this.#at('/complete', begun.key),
      body: { parts } satisfies CompleteUpload,
    })
    return true
  }

  /** If a file exists, compares it with this one: an earlier call may have completed it, and its answer was lost. */
  async #begin(): Promise<BegunUpload | boolean> {
    try {
      const path = `${this.#plan.companion_url}/s3/multipart`
      const body = { size_bytes: this.#source.size }
      return (await this.#ask({ method: 'POST', path, body, has: ['uploadId'] })) as BegunUpload
    } catch (error) {
      if (!isRefusal(error) || error.status !== 412) throw error
      // An earlier version of the service does not return the ETag.
      return error.etag === undefined || error.etag === (await this.#etag())
    }
  }

  /** The ETag that storage would give this file. */
  async #etag(): Promise<string> {
    const sums: string[] = []
    for await (const { blob } of cut(this.#source, this.#plan.part_size_bytes)) sums.push(await md5Of(blob))
    return etagOfParts(sums)
  }

  async #listed(key: string): Promise<Map<number, StoredPart>> {
    const parts = (await this.#ask({ path: this.#at('', key), has: ['length'] })) as StoredPart[]
    return new Map(parts.map((part) => [part.PartNumber, part]))
  }

  async #send(key: string, { number, blob }: Piece, there: Map<number, StoredPart>): Promise<void> {
    const before = there.get(number)
    const ETag =
      before && (await isStored(before, blob))
        ? before.ETag
        : await this.#repeated(() => this.#sendOnce(key, number, blob))
    this.#parts.push({ PartNumber: number, ETag })
    this.#underWay.delete(number)
    this.#stored += blob.size
    this.#tell()
  }

  /** Each try uses a new URL: the previous one may have expired while the client was slow or offline. */
  async #sendOnce(key: string, number: number, blob: Blob): Promise<string> {
    const { signal } = this.#own
    const { url } = (await this.#ask({
      path: this.#at(`/${number}`, key),
      tries: 1,
      has: ['url'],
    })) as SignedPart
    const send = () =>
      put({
        fetch: this.#http.fetch,
        url: this.#http.absolute(url),
        method: 'PUT',
        headers: {},
        source: sourceOfBlob(blob),
        signal,
        stallMs: this.#http.timings.uploadStallMs,
        onSent: (bytes) => {
          this.#underWay.set(number, Math.min(bytes, blob.size))
          this.#tell()
        },
      })
    const exchange = () => this.#http.exchange('A part of the upload', send, signal)
    const etag = (await whileReadable(blob, exchange)).headers.get('etag')
    if (etag) return etag
    throw new Error(
      'The ETag of a stored part cannot be read: storage must expose it to this origin by CORS.',
    )
  }

  #repeated<T>(attempt: () => Promise<T>): Promise<T> {
    return this.#http.repeat(attempt, { tries: TRIES, signal: this.#own.signal })
  }

  #tell(): void {
    let bytes = this.#stored
    for (const sent of this.#underWay.values()) bytes += sent
    this.#onSent(bytes)
  }

  #at(rest: string, key: string): string {
    return `${this.#path}${rest}?key=${encodeURIComponent(key)}`
  }

  async #ask(request: ApiRequest): Promise<unknown> {
    const { signal } = this.#own
    return (await this.#http.send({ tries: TRIES, ...request, what: 'The upload', signal })).body
  }
}

/** Checked by its shape: importing the class would add the core to this chunk. */
export function isRefusal(error: unknown): error is ExportalError {
  return error instanceof Error && error.name === 'ExportalError'
}

interface Piece {
  /** Numbered from 1. */
  number: number
  blob: Blob
}

/**
 * The parts in order. A Blob is sliced without being read.
 *
 * @throws Error when a stream does not have its stated size
 */
async function* cut({ blob, size, open }: Source, partSize: number): AsyncGenerator<Piece, void> {
  if (blob) {
    for (let at = 0; at < size; at += partSize) {
      yield { number: at / partSize + 1, blob: blob.slice(at, at + partSize) }
    }
    return
  }
  let number = 0
  let read = 0
  for await (const bytes of chunked(open(), partSize)) {
    read += bytes.byteLength
    if (read > size) throw wrongSize(size, `more than ${size}`)
    // Only the last part may be smaller.
    if (bytes.byteLength < partSize && read < size) throw wrongSize(size, String(read))
    number += 1
    yield { number, blob: new Blob([bytes]) }
  }
  if (read !== size) throw wrongSize(size, String(read))
}

/** A stream in chunks of exactly this size, except the last one. */
async function* chunked(stream: ReadableStream<Uint8Array>, size: number) {
  const reader = stream.getReader()
  let chunk = new Uint8Array(size)
  let filled = 0
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      for (let rest = next.value; rest.byteLength > 0; ) {
        const taken = rest.subarray(0, size - filled)
        chunk.set(taken, filled)
        filled += taken.byteLength
        rest = rest.subarray(taken.byteLength)
        if (filled < size) continue
        yield chunk
        chunk = new Uint8Array(size)
        filled = 0
      }
    }
    if (filled > 0) yield chunk.subarray(0, filled)
  } finally {
    await reader.cancel().catch(() => {})
  }
}

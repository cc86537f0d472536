/**
 * A large file in parts: each is signed, sent and repeated by itself, and what the service has already is not sent
 * again. Begun twice under the same plan it is the same upload, so that a later call goes on where this one stopped.
 */
import type { ExportalError } from './errors.ts'
import type { ApiRequest, Transport } from './http.ts'
import { etagOfParts, md5Of } from './md5.ts'
import { put, type Source, sourceOfBlob, wrongSize } from './upload-put.ts'

/** How a file goes in parts, as `POST /api/videos/upload-url` answers it. */
export interface MultipartPlan {
  /** Carries its own authority; also what Uppy takes as `companionEndpoint`. */
  companion_url: string
  /** Of every part but the last, which may be smaller. */
  part_size_bytes: number
  part_count: number
}

interface SendOptions {
  signal?: AbortSignal | undefined
  /** Bytes that are stored or on their way. */
  onSent(bytes: number): void
}

interface Part {
  PartNumber: number
  ETag: string
}

/** As the service lists what is stored. */
export interface StoredPart extends Part {
  Size: number
  /** In hex; missing where storage does not say it. */
  MD5?: string
}

/** Of a Blob; a stream is read in order, and one part of it is held in memory. */
const AT_ONCE = 3
/** With their pauses about a minute: a network that changes over, or a lift. */
const TRIES = 10

/** Are these the very bytes that are stored? What nobody has a checksum of may be anything. */
export async function isStored({ Size, MD5 }: StoredPart, bytes: Blob): Promise<boolean> {
  return Size === bytes.size && MD5 !== undefined && MD5 === (await md5Of(bytes))
}

/**
 * Stores the whole file, or rejects with the first error that repeats did not cure. False when another file was stored
 * under this plan already: then nothing is sent.
 */
export async function sendParts(
  http: Transport,
  plan: MultipartPlan,
  source: Source,
  { signal, onSent }: SendOptions,
): Promise<boolean> {
  signal?.throwIfAborted()
  // One part that fails for good ends the others.
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
  readonly #parts: Part[] = []
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
    await this.#ask({ method: 'POST', path: this.#at('/complete', begun.key), body: { parts } })
    return true
  }

  /** When a file is there: is it this one? An earlier call completed it then, and only its answer was lost. */
  async #begin(): Promise<{ key: string; uploadId: string } | boolean> {
    try {
      const path = `${this.#plan.companion_url}/s3/multipart`
      const body = { size_bytes: this.#source.size }
      return (await this.#ask({ method: 'POST', path, body })) as { key: string; uploadId: string }
    } catch (error) {
      if (!isRefusal(error) || error.status !== 412) throw error
      // A service of the version before does not say what is there.
      return error.etag === undefined || error.etag === (await this.#etag())
    }
  }

  /** As storage makes it of the parts of this plan. */
  async #etag(): Promise<string> {
    const sums: string[] = []
    for await (const { blob } of cut(this.#source, this.#plan.part_size_bytes)) sums.push(await md5Of(blob))
    return etagOfParts(sums)
  }

  async #listed(key: string): Promise<Map<number, StoredPart>> {
    const parts = (await this.#ask({ path: this.#at('', key) })) as StoredPart[]
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

  /** Signed anew at each try: a slow or offline client outlives a signed URL. */
  async #sendOnce(key: string, number: number, blob: Blob): Promise<string> {
    const { signal } = this.#own
    const { url } = (await this.#ask({ path: this.#at(`/${number}`, key), tries: 1 })) as { url: string }
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
    const etag = (await this.#http.exchange('A part of the upload', send, signal)).headers.get('etag')
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

/** By its shape: the class would bind this part of the bundle to the core. */
function isRefusal(error: unknown): error is ExportalError {
  return error instanceof Error && error.name === 'ExportalError'
}

interface Piece {
  /** From 1. */
  number: number
  blob: Blob
}

/** The parts in order. A Blob is cut without being read. @throws Error for a stream that has not its size */
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

/** A stream in chunks of exactly this size, but the last. */
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

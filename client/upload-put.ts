/**
 * One PUT with progress: by XMLHttpRequest where it exists, since fetch does not report upload progress, or by a
 * counted stream.
 */
import type { FetchLike, RawAnswer } from './http.ts'
import { callAfter, within } from './time.ts'

export interface Source {
  size: number
  /** Set when a browser can send it from disk without reading it into memory. */
  blob?: Blob
  open(): ReadableStream<Uint8Array>
  /** Whether it can be opened more than once. */
  again: boolean
}

export interface PutRequest {
  fetch: FetchLike
  url: string
  method: string
  headers: Record<string, string>
  source: Source
  signal?: AbortSignal | undefined
  /** Silence after which the connection is given up. */
  stallMs: number
  onSent(bytes: number): void
}

/** Features of some runtimes only. */
interface Runtime {
  process?: { versions?: { node?: string } }
  FixedLengthStream?: new (size: number) => ReadableWritablePair<Uint8Array, Uint8Array>
}

/**
 * Whether a stream can be the body of a request. Browsers refuse one, or require HTTP/2 for it; Node, compatible
 * runtimes and Workers send it over any connection.
 */
export function streamsBodies(): boolean {
  const { process, FixedLengthStream } = globalThis as Runtime
  if (typeof XMLHttpRequest !== 'undefined') return false
  return process?.versions?.node !== undefined || FixedLengthStream !== undefined
}

export function sourceOfBlob(blob: Blob): Source {
  return { size: blob.size, blob, open: () => blob.stream(), again: true }
}

/** The source in memory. @throws Error when it does not have its stated size */
export async function collected(source: Source): Promise<Source> {
  return exactly(source, async ({ open }) => sourceOfBlob(await new Response(open()).blob()))
}

/**
 * Runs `send` with a source whose last bytes are released only after its size was checked: a source that does not have
 * its stated size is never sent completely, and rejects with an error about it, whatever error the connection reports.
 * For a Blob as `whileReadable`.
 */
export async function exactly<T>(source: Source, send: (source: Source) => Promise<T>): Promise<T> {
  if (source.blob) return whileReadable(source.blob, () => send(source))
  let fault: Error | undefined
  const open = () =>
    source.open().pipeThrough(
      ofSize(source.size, (error) => {
        fault = error
        return error
      }),
    )
  try {
    return await send({ ...source, open })
  } catch (error) {
    throw fault ?? error
  }
}

/**
 * Runs `send`, which sends the Blob. Where there was no answer because the file behind it was changed, moved or removed,
 * which connections report as their own failure, rejects with an error about that instead, since no repeat can help.
 */
export async function whileReadable<T>(blob: Blob, send: () => Promise<T>): Promise<T> {
  try {
    return await send()
  } catch (error) {
    // Checked by its shape: importing the class would add the core to this chunk.
    if (!(error instanceof Error) || error.name !== 'ExportalConnectionError') throw error
    try {
      // Of such a file runtimes refuse to read anything, were it a single byte.
      await blob.slice(0, 1).arrayBuffer()
    } catch (cause) {
      throw new Error('The file can no longer be read: it was changed, moved or removed. Choose it again.', {
        cause,
      })
    }
    throw error
  }
}

function ofSize(size: number, failing: (error: Error) => Error): TransformStream<Uint8Array, Uint8Array> {
  let read = 0
  let last: Uint8Array | undefined
  return new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      read += chunk.byteLength
      if (read > size) throw failing(wrongSize(size, `more than ${size}`))
      if (last) controller.enqueue(last)
      last = chunk
    },
    flush(controller) {
      if (read < size) throw failing(wrongSize(size, String(read)))
      if (last) controller.enqueue(last)
    },
  })
}

/** @param given the actual size, for the message */
export function wrongSize(size: number, given: string): Error {
  return new Error(`The stream gave ${given} bytes where ${size} were announced.`)
}

/** Resolves with any answer; rejects when there was none. */
export async function put(request: PutRequest): Promise<RawAnswer> {
  const { source, signal, stallMs, onSent } = request
  const limit = new AbortController()
  const abort = () => limit.abort(signal?.reason)
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort, { once: true })
  let stopTimer = () => {}
  const alive = () => {
    stopTimer()
    stopTimer = callAfter(stallMs, () => limit.abort(new Error('The line is dead')))
  }
  const watched: PutRequest = {
    ...request,
    signal: limit.signal,
    onSent: (bytes) => {
      alive()
      onSent(bytes)
    },
  }
  try {
    // Ends also when the caller's fetch ignores its signal.
    return await within(Number.POSITIVE_INFINITY, limit.signal, () => {
      const { blob } = source
      // Without progress events, silence does not indicate a dead connection.
      if (blob && typeof XMLHttpRequest === 'undefined' && !streamsBodies()) return byFetch(watched, blob)
      alive()
      return typeof XMLHttpRequest !== 'undefined' && blob ? byXhr(watched, blob) : byStream(watched)
    })
  } finally {
    stopTimer()
    signal?.removeEventListener('abort', abort)
  }
}

/** For workers of a browser, which have neither: a Blob has a length, but its progress is not reported. */
async function byFetch({ fetch, url, method, headers, signal }: PutRequest, body: Blob): Promise<RawAnswer> {
  return answerOf(await fetch(url, { method, headers, body, ...(signal ? { signal } : {}) }))
}

async function answerOf(response: Response): Promise<RawAnswer> {
  return { status: response.status, headers: response.headers, text: await response.text() }
}

function byXhr(request: PutRequest, blob: Blob): Promise<RawAnswer> {
  const { method, url, headers, signal, onSent } = request
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest()
    xhr.open(method, url)
    for (const [name, value] of Object.entries(headers)) {
      // Browsers set the length themselves, and reject it as a header.
      if (name.toLowerCase() !== 'content-length') xhr.setRequestHeader(name, value)
    }
    const abort = () => xhr.abort()
    xhr.upload.onprogress = (event) => onSent(event.loaded)
    xhr.onload = () => resolve({ status: xhr.status, headers: headersOf(xhr), text: xhr.responseText })
    xhr.onerror = () => reject(new TypeError('Network error'))
    xhr.onabort = () => reject(signal?.reason ?? new DOMException('Aborted', 'AbortError'))
    xhr.onloadend = () => signal?.removeEventListener('abort', abort)
    signal?.addEventListener('abort', abort, { once: true })
    if (signal?.aborted) reject(signal.reason)
    else xhr.send(blob)
  })
}

function headersOf(xhr: XMLHttpRequest): Headers {
  const headers = new Headers()
  for (const line of xhr.getAllResponseHeaders().split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1).trim())
  }
  return headers
}

async function byStream(request: PutRequest): Promise<RawAnswer> {
  const { source, signal, method, url, headers, onSent } = request
  let sent = 0
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      sent += chunk.byteLength
      onSent(sent)
      controller.enqueue(chunk)
    },
  })
  const init: RequestInit & { duplex: 'half' } = {
    method,
    // R2 accepts no body of unknown length, and a stream has a length only if the header states it.
    headers: { ...headers, 'content-length': String(source.size) },
    body: ofFixedLength(source.open().pipeThrough(counter), source.size),
    duplex: 'half',
    ...(signal ? { signal } : {}),
  }
  return answerOf(await request.fetch(url, init))
}

/** Workers ignore a content-length header, and take the length from the stream. */
function ofFixedLength(stream: ReadableStream<Uint8Array>, size: number): ReadableStream<Uint8Array> {
  const { FixedLengthStream } = globalThis as Runtime
  return FixedLengthStream ? stream.pipeThrough(new FixedLengthStream(size)) : stream
}

/** One PUT with progress: XMLHttpRequest where there is one, since fetch cannot tell what it sent, or a counted stream. */
import type { FetchLike, RawAnswer } from './http.ts'
import { callAfter } from './time.ts'

export interface Source {
  size: number
  /** What a browser sends from disk without reading it into memory. */
  blob?: Blob
  open(): ReadableStream<Uint8Array>
  /** It can be opened more than once. */
  again: boolean
}

export interface PutRequest {
  fetch: FetchLike
  url: string
  method: string
  headers: Record<string, string>
  source: Source
  signal?: AbortSignal | undefined
  /** Silence after which the line is given up. */
  stallMs: number
  onSent(bytes: number): void
}

/** Rejects when no answer came; any answer resolves. */
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
  alive()
  try {
    const { blob } = source
    return await (typeof XMLHttpRequest !== 'undefined' && blob ? byXhr(watched, blob) : byStream(watched))
  } finally {
    stopTimer()
    signal?.removeEventListener('abort', abort)
  }
}

function byXhr(request: PutRequest, blob: Blob): Promise<RawAnswer> {
  const { method, url, headers, signal, onSent } = request
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest()
    xhr.open(method, url)
    for (const [name, value] of Object.entries(headers)) {
      // The browser sets the length by itself and complains when told.
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
    // R2 takes no body of unknown length, and a stream has none unless it is said.
    headers: { ...headers, 'content-length': String(source.size) },
    body: ofFixedLength(source.open().pipeThrough(counter), source.size),
    duplex: 'half',
    ...(signal ? { signal } : {}),
  }
  const response = await request.fetch(url, init)
  return { status: response.status, headers: response.headers, text: await response.text() }
}

/** Workers ignore a content-length header and want the length in the stream. */
function ofFixedLength(stream: ReadableStream<Uint8Array>, size: number): ReadableStream<Uint8Array> {
  const { FixedLengthStream } = globalThis as {
    FixedLengthStream?: new (size: number) => ReadableWritablePair<Uint8Array, Uint8Array>
  }
  return FixedLengthStream ? stream.pipeThrough(new FixedLengthStream(size)) : stream
}

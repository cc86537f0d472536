/**
 * Transfers: downloads the input and assets to files, and uploads a file by PUT. All streamed, and retried when useful.
 */
import { createWriteStream } from 'node:fs'
import { type OutgoingHttpHeaders, request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Clock, pause } from '../clock.ts'
import { JobFailure } from './failure.ts'
import { USER_AGENT } from './user-agent.ts'

export interface TransferOptions {
  clock: Clock
  signal: AbortSignal
  /** Pauses between tries; there is one more try than pauses. */
  backoffMs: readonly number[]
  /** Called with the completed fraction, 0 to 1, as bytes are transferred; never when the size is unknown. */
  onFraction?: (done: number) => void
}

/**
 * Downloads `url` to `path`. `what` names it in the failure: `input_not_found` when it does not exist (404, not
 * retryable) or is not allowed (403, a new URL may help), `worker_error` when all tries failed.
 */
export function download(url: string, path: string, what: string, options: TransferOptions): Promise<void> {
  return persist(options, async () => {
    const answer = await fetch(url, { headers: { 'user-agent': USER_AGENT }, signal: options.signal })
    if (answer.ok && answer.body !== null) {
      const size = Number(answer.headers.get('content-length') ?? 0)
      await pipeline(chunksOf(answer.body), counting(size, options.onFraction), createWriteStream(path), {
        signal: options.signal,
      })
      return
    }
    await answer.body?.cancel()
    const { status } = answer
    if (status === 404 || status === 410) {
      throw new JobFailure(
        'input_not_found',
        `${what} is not there (${status}). It may have been deleted.`,
        false,
      )
    }
    if (status === 401 || status === 403) {
      throw new JobFailure(
        'input_not_found',
        `${what} may not be read (${status}). Its URL may be too old.`,
        true,
      )
    }
    throw new Error(`${what} could not be downloaded (${status})`)
  })
}

export interface PutAnswer {
  status: number
  etag: string | undefined
}

/**
 * One PUT; resolves with any answer. By `node:http`: the file is streamed with its Content-Length, and the answer is
 * read at once, even if the server did not read the whole body.
 */
export function put(
  url: string,
  headers: OutgoingHttpHeaders,
  file: Readable,
  through: Transform,
  signal: AbortSignal,
): Promise<PutAnswer> {
  return new Promise<PutAnswer>((resolve, reject) => {
    const send = url.startsWith('https:') ? tlsRequest : plainRequest
    const sending = send(
      url,
      { method: 'PUT', headers: { 'user-agent': USER_AGENT, ...headers }, signal },
      (answer) => {
        answer.resume()
        resolve({ status: answer.statusCode ?? 0, etag: answer.headers.etag })
      },
    )
    sending.on('error', reject)
    pipeline(file, through, sending).catch(reject)
  }).finally(() => file.destroy())
}

async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader()
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value
  } finally {
    await reader.cancel().catch(() => {})
  }
}

/** Retries after temporary failures, such as network errors and 5xx, but not after a `JobFailure` or a stop. */
export async function persist<T>(
  options: Pick<TransferOptions, 'clock' | 'signal' | 'backoffMs'>,
  attempt: () => Promise<T>,
): Promise<T> {
  for (const wait of [...options.backoffMs, null]) {
    try {
      return await attempt()
    } catch (error) {
      options.signal.throwIfAborted()
      if (error instanceof JobFailure) throw error
      if (wait === null) throw new JobFailure('worker_error', describe(error), true)
      await pause(options.clock, wait, options.signal)
      options.signal.throwIfAborted()
    }
  }
  throw new Error('There is always a last try.')
}

/** Statuses by which the server refuses the file itself: a repeat would be refused as well. */
const FINAL = [400, 411, 413, 415]

/** The error of a refused transfer: retried when it may be temporary, else it ends the attempt. */
export function refusal(status: number): Error {
  const message = `The result could not be stored (${status}).`
  const passing = status >= 500 || status === 429 || status === 409
  return passing ? new Error(message) : new JobFailure('worker_error', message, !FINAL.includes(status))
}

export function isGood(status: number): boolean {
  return status >= 200 && status < 300
}

export function counting(size: number, onFraction: ((done: number) => void) | undefined): Transform {
  let seen = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length
      if (size > 0) onFraction?.(Math.min(1, seen / size))
      done(null, chunk)
    },
  })
}

/** `fetch` puts the reason into `cause`. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  const { cause } = error
  return cause instanceof Error ? `${error.message}: ${cause.message}` : error.message
}

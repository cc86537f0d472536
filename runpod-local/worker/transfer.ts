/** Bytes in and out: the input and assets to files, a file by PUT. All streamed, and tried again when that may help. */
import { createWriteStream } from 'node:fs'
import { type OutgoingHttpHeaders, request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Clock, pause } from '../clock.ts'
import { JobFailure } from './failure.ts'

export interface TransferOptions {
  clock: Clock
  signal: AbortSignal
  /** Waits between tries; one try more than there are waits. */
  backoffMs: readonly number[]
  /** Called with the fraction done, 0 to 1, as bytes flow; never when the size is not known. */
  onFraction?: (done: number) => void
}

/**
 * Downloads `url` to `path`. `what` names it in the failure: `input_not_found` when it is not there (404, not
 * worth a retry) or not allowed (403, a fresh URL may help), `worker_error` when it still fails after the tries.
 */
export function download(url: string, path: string, what: string, options: TransferOptions): Promise<void> {
  return persist(options, async () => {
    const answer = await fetch(url, { signal: options.signal })
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
 * One PUT, whatever it is answered. By `node:http`: the file goes out as a stream with its Content-Length, and the
 * answer is taken as it comes, also when the other side did not read to the end.
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
    const sending = send(url, { method: 'PUT', headers, signal }, (answer) => {
      answer.resume()
      resolve({ status: answer.statusCode ?? 0, etag: answer.headers.etag })
    })
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

/** Tries again after what may pass: network trouble and 5xx, but not a `JobFailure` and not a stop. */
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

/** Statuses that say that the file itself cannot be taken: the same again would be refused again. */
const FINAL = [400, 411, 413, 415]

/** A refused transfer: what may pass is worth another try, anything else is the end of the attempt. */
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

/** `fetch` hides the reason in `cause`. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  const { cause } = error
  return cause instanceof Error ? `${error.message}: ${cause.message}` : error.message
}

/**
 * Downloads an external input, from a URL of the job's creator. Neither it nor its redirects are trusted: only public
 * addresses are connected to, checked again at each redirect, size and time are bounded, and no credentials are sent.
 * Failures contain host and path, never the query.
 */
import { createWriteStream } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { type Duplex, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { JobFailure } from '../failure.ts'
import { persist, type TransferOptions } from '../transfer.ts'
import { USER_AGENT } from '../user-agent.ts'
import { abortOf, within } from '../within.ts'
import { internet, type Network, nameOf, open } from './connect.ts'
import { LIMITS, type Limits, MAX_REDIRECTS, Passing, Refused } from './limits.ts'

/** How external inputs are fetched. */
export interface External {
  network: Network
  limits: Limits
  /** Whether this computer is allowed, also by http: for development. */
  allowLoopback: boolean
}

/** Public addresses only. */
export const EXTERNAL: External = { network: internet, limits: LIMITS, allowLoopback: false }

type Options = TransferOptions & External

/**
 * Downloads `url` to `path`, following at most five redirects.
 * @throws JobFailure `input_not_found`, not retryable, when the input cannot be used, and `worker_error` when all tries
 *   failed; the reason of the signal
 */
export function downloadExternal(url: string, path: string, options: Options): Promise<void> {
  const { limits, clock, signal } = options
  const gaveUp = (reason: string) => `${subject(url, url)} could not be downloaded (${reason}).`
  const late = (seconds: number) =>
    new JobFailure('worker_error', gaveUp(`it took longer than ${seconds} s`), true)
  return within({ clock, signal, ms: limits.wholeMs }, late, (signal) =>
    persist({ ...options, signal }, () =>
      follow(url, path, { ...options, signal }).catch((error: unknown) => {
        if (error instanceof JobFailure) throw error
        throw new Error(gaveUp(reasonOf(error)))
      }),
    ),
  )
}

async function follow(given: string, path: string, options: Options): Promise<void> {
  let at = given
  let loopback = options.allowLoopback
  for (let redirects = 0; ; redirects++) {
    try {
      const hop = await fetchOnce(at, path, loopback, redirects, options)
      if (hop === null) return
      at = hop.next
      // A redirect from another host must not lead to this computer.
      loopback &&= hop.isLoopback
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      throw new JobFailure('input_not_found', `${subject(given, at)} ${error.message}`, false)
    }
  }
}

/** Stores the body of the answer, or returns the redirect's target. */
async function fetchOnce(
  at: string,
  path: string,
  loopback: boolean,
  redirects: number,
  options: Options,
): Promise<{ next: string; isLoopback: boolean } | null> {
  const { network, limits, clock, signal } = options
  if (!URL.canParse(at))
    throw new Refused('is not fetched: its address cannot be read. Give an https address.')
  const url = new URL(at)
  const limit = { clock, signal, ms: limits.connectMs }
  const { stream, isLoopback } = await open(url, network, loopback, limit)
  try {
    const late = (seconds: number) => new Passing(`its server did not answer within ${seconds} s`)
    const answer = await within({ ...limit, ms: limits.answerMs }, late, (signal) => ask(url, stream, signal))
    if (REDIRECTS.includes(answer.statusCode ?? 0))
      return { next: nextOf(url, answer, redirects), isLoopback }
    check(answer, limits.mostBytes)
    await pipeline(answer, metered(answer, options), createWriteStream(path), { signal })
    return null
  } finally {
    stream.destroy()
  }
}

const REDIRECTS = [301, 302, 303, 307, 308]

/** GET over the given connection; Node's client adds neither cookies nor credentials. */
function ask(url: URL, stream: Duplex, signal: AbortSignal): Promise<IncomingMessage> {
  const name = nameOf(url)
  const host = `${name.includes(':') ? `[${name}]` : name}${url.port && `:${url.port}`}`
  const headers = {
    host,
    'user-agent': USER_AGENT,
    accept: '*/*',
    'accept-encoding': 'identity',
    connection: 'close',
  }
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    const asking = request({ createConnection: () => stream, path: url.pathname + url.search, headers })
    asking.on('response', resolve).on('error', reject).end()
  })
  return Promise.race([answer, abortOf(signal)])
}

function nextOf(url: URL, { headers: { location } }: IncomingMessage, redirects: number): string {
  if (redirects === MAX_REDIRECTS) {
    const instead = 'Give the address that it leads to.'
    throw new Refused(`is not fetched: it redirects more than ${MAX_REDIRECTS} times. ${instead}`)
  }
  // Header bytes above ASCII are decoded as Latin-1.
  const next = location === undefined ? null : URL.parse(Buffer.from(location, 'latin1').toString(), url.href)
  if (next !== null) return next.href
  throw new Refused('is not fetched: it redirects to nowhere. Give the address of the file itself.')
}

function check({ statusCode: status = 0, headers }: IncomingMessage, mostBytes: number): void {
  if (status >= 500 || status === 429 || status === 408) throw new Passing(`its server answered ${status}`)
  if (status === 404 || status === 410) {
    const instead = 'Check the address, or put the file back, and create a new job.'
    throw new Refused(`is not there (${status}). ${instead}`)
  }
  if (status === 401 || status === 403) {
    const instead = 'create a new job with a fresh one that needs no sign-in.'
    throw new Refused(`may not be read (${status}). Its address may have expired: ${instead}`)
  }
  if (status !== 200) {
    const instead = 'Check the address, and create a new job.'
    throw new Refused(`is not fetched: its server answers ${status} instead of a file. ${instead}`)
  }
  if (headers['content-type']?.toLowerCase().startsWith('text/html')) {
    throw new Refused('is a web page. Give the address of the video file itself.')
  }
  if (Number(headers['content-length'] ?? 0) > mostBytes) throw tooLarge(mostBytes)
}

function tooLarge(mostBytes: number): Refused {
  return new Refused(`is larger than the ${mostBytes} bytes that are taken here. Give a smaller file.`)
}

/** Passes the body through while it is neither too large nor stalled. */
function metered(answer: IncomingMessage, { limits, clock, onFraction }: Options): Transform {
  const size = Number(answer.headers['content-length'] ?? 0)
  let seen = 0
  const watch = () =>
    clock.after(limits.stallMs, () =>
      meter.destroy(new Passing(`nothing came for ${limits.stallMs / 1_000} s`)),
    )
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      cancel()
      seen += chunk.length
      if (seen > limits.mostBytes) return done(tooLarge(limits.mostBytes))
      if (size > 0) onFraction?.(seen / size)
      cancel = watch()
      done(null, chunk)
    },
    flush(done) {
      cancel()
      done()
    },
    destroy(error, done) {
      cancel()
      done(error)
    },
  })
  let cancel = watch()
  return meter
}

/** The URL in a failure: the given one, and the one it was redirected to. */
function subject(given: string, at: string): string {
  if (!URL.canParse(given)) return 'The input'
  const led = at === given ? '' : `, redirected to ${shown(at)},`
  return `The input at ${shown(given)}${led}`
}

function shown(address: string): string {
  const url = new URL(address)
  return `${url.host.replace(/\.(?=:|$)/, '')}${url.pathname}`
}

const DISK = ['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'ENOENT', 'EACCES', 'EMFILE']

/** Network errors contain addresses and ports, which do not help the reader of a failed job. */
function reasonOf(error: unknown): string {
  if (error instanceof Passing) return error.message
  const isDisk = error instanceof Error && 'code' in error && DISK.includes(String(error.code))
  return isDisk ? 'it could not be written to the disk' : 'the connection failed'
}

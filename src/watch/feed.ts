/**
 * Reads the messages of a job's actor to its watchers within the Worker: for a long poll, or to forward them as
 * server-sent events. It uses the same hibernatable WebSocket as a browser, so that the actor can sleep while the
 * Worker waits, and readers do not slow each other.
 */

import { MAX_SOCKETS, PROJECT_HEADER } from '../../actors/export-job/watchers.ts'
import type { ServerMessage } from '../../wire/socket.ts'
import { refusedToken } from '../auth/caller.ts'
import type { Asked, ScopedCall } from '../http/exchange.ts'
import { unavailable } from '../http/problem.ts'
import { callJob } from '../stubs.ts'
import { AsyncQueue } from './async-queue.ts'

/**
 * `ended`: the actor has sent its last message; `lost`: the connection broke, or the reader was too slow; `left`: this
 * side closed; `expired`: the reader's token has expired.
 */
export type FeedEnd = 'ended' | 'lost' | 'left' | 'expired'

/** The actor's close codes; any other code is a broken connection. */
const ENDS: ReadonlyMap<number, FeedEnd> = new Map([
  [1000, 'ended'],
  [4404, 'ended'],
  [4401, 'expired'],
])

/** A reader this far behind is disconnected: it can resume from the log, which needs no memory. */
const MAX_WAITING = 256

/** A timer of more than 2^31 - 1 ms fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/**
 * The actor's answer to an upgrade, with its socket. The URL is built here from validated values alone, so that no
 * client can extend its token's expiry, at which the actor stops sending.
 *
 * @param after the last log number known; null for none
 * @returns null when the actor has no job to show
 * @throws Problem 401 when the token has expired meanwhile, 503 when the actor cannot be reached, or has too many
 *   watchers
 */
export async function openSocket(
  call: Asked,
  id: string,
  after: number | null,
): Promise<{ response: Response; socket: WebSocket } | null> {
  const url = new URL('https://job/ws')
  if (after !== null) url.searchParams.set('after', String(after))
  const { expiresAt, projectId } = call.caller
  if (expiresAt !== null) url.searchParams.set('until', String(expiresAt))
  if (projectId !== null) url.searchParams.set('project', String(projectId))
  const init = { headers: { Upgrade: 'websocket' } }
  const response = await callJob(call.env, id, (job) => job.fetch(url.href, init))
  const { status, webSocket } = response
  // An actor of an earlier version does not check the project itself.
  const checked = projectId === null || response.headers.get(PROJECT_HEADER) === String(projectId)
  if (webSocket && checked) return { response, socket: webSocket }
  switch (status) {
    case 404:
      return null
    case 401:
      throw refusedToken('token_expired')
    case 503:
      throw unavailable('too_many_watchers', `This job has ${MAX_SOCKETS} watchers, which is the most.`, 30)
    default:
      throw unavailable('job_unavailable', 'The job could not be watched; try again shortly.')
  }
}

/**
 * Watches a job until the feed is closed: by its opener, who must close it, or when the client of `call` disconnects or
 * its token expires. Returns and throws as `openSocket` does.
 */
export async function openFeed(
  call: ScopedCall,
  id: string,
  after: number | null,
): Promise<ActorFeed | null> {
  const answer = await openSocket(call, id, after)
  return answer && new ActorFeed(answer.socket, call.request.signal, call.caller.expiresAt)
}

export class ActorFeed {
  readonly #socket: WebSocket
  readonly #gone: AbortSignal
  readonly #leave = () => this.close()
  readonly #queue = new AsyncQueue<ServerMessage>(
    (last, next) => last.type === 'progress' && next.type === 'progress',
  )
  readonly #until: number
  readonly #expiry: ReturnType<typeof setTimeout> | null
  #end: FeedEnd | null = null

  /**
   * @param gone aborts when the client has disconnected
   * @param until when the reader's token expires, in milliseconds; null for never
   */
  constructor(socket: WebSocket, gone: AbortSignal, until: number | null) {
    this.#socket = socket
    this.#gone = gone
    this.#until = until ?? Number.POSITIVE_INFINITY
    const ms = Math.min(this.#until - Date.now(), LONGEST_TIMER_MS)
    this.#expiry = until === null ? null : setTimeout(() => this.#finish('expired'), ms)
    socket.addEventListener('message', ({ data }) => this.#receive(String(data)))
    socket.addEventListener('close', ({ code }) => this.#finish(ENDS.get(code) ?? 'lost'))
    socket.addEventListener('error', () => this.#finish('lost'))
    socket.accept()
    gone.addEventListener('abort', this.#leave, { once: true })
    if (gone.aborted) this.close()
  }

  /** How it ended; null while it is open. Messages may still be queued. */
  get end(): FeedEnd | null {
    return this.#end
  }

  /** The next message; null after the last one. */
  next(): Promise<ServerMessage | null> {
    return this.#queue.next()
  }

  /** Puts a message back at the end of the queue. */
  putBack(message: ServerMessage): void {
    this.#queue.put(message)
  }

  /** May be called at any time, and repeatedly. */
  close(): void {
    this.#finish('left')
  }

  #receive(text: string): void {
    if (this.#end) return
    if (Date.now() >= this.#until) return this.#finish('expired')
    const message: ServerMessage = JSON.parse(text)
    this.#queue.put(message)
    if (this.#queue.size > MAX_WAITING) this.#finish('lost')
  }

  #finish(end: FeedEnd): void {
    if (this.#end) return
    this.#end = end
    if (this.#expiry !== null) clearTimeout(this.#expiry)
    this.#gone.removeEventListener('abort', this.#leave)
    this.#queue.close()
    try {
      this.#socket.close(1000, 'Nobody reads any more.')
    } catch {
      // The other side has closed it already.
    }
  }
}

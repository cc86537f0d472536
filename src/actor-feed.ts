/**
 * What one job's actor tells its watchers, as the Worker itself reads it: for a long poll, or to pass it on as
 * server-sent events. It is the same hibernatable WebSocket that a browser gets, so the actor can sleep while the
 * Worker waits, and one reader's pace is no concern of the others.
 */

import { MAX_SOCKETS } from '../actors/export-job/watchers.ts'
import type { ServerMessage } from '../wire/socket.ts'
import { refusedToken } from './auth.ts'
import type { ScopedCall } from './http.ts'
import { Mailbox } from './mailbox.ts'
import { unavailable } from './problem.ts'
import { callJob } from './stubs.ts'

/**
 * `ended`: the actor has no more to tell; `lost`: the line broke, or the reader was too slow; `left`: closed here;
 * `expired`: the reader's token has died.
 */
export type FeedEnd = 'ended' | 'lost' | 'left' | 'expired'

/** What the actor's close codes mean; any other is a broken line. */
const ENDS: ReadonlyMap<number, FeedEnd> = new Map([
  [1000, 'ended'],
  [4404, 'ended'],
  [4401, 'expired'],
])

/** A reader this far behind is dropped: it resumes from the log, which holds the same and no memory. */
const MOST_WAITING = 256

/** A timer above 2^31 - 1 ms fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/**
 * The actor's answer to an upgrade, with its socket. The address is made here alone, of nothing that a client sent
 * unchecked: so nobody can put off the end of the token, at which the actor stops sending.
 *
 * @param after the last log number known; null for none
 * @returns null when the actor shows no job
 * @throws Problem 401 when the token has died meanwhile, 503 when the actor cannot be reached, or has too many watchers
 */
export async function openSocket(
  call: ScopedCall,
  id: string,
  after: number | null,
): Promise<{ response: Response; socket: WebSocket } | null> {
  const url = new URL('https://job/ws')
  if (after !== null) url.searchParams.set('after', String(after))
  if (call.caller.expiresAt !== null) url.searchParams.set('until', String(call.caller.expiresAt))
  const init = { headers: { Upgrade: 'websocket' } }
  const response = await callJob(call.env, id, (job) => job.fetch(url.href, init))
  const { status, webSocket } = response
  if (webSocket) return { response, socket: webSocket }
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
 * Watches a job until the feed is closed, which also happens when the client of `call` goes away or its token dies.
 * Whoever opens one closes it. Answers and throws as `openSocket` does.
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
  readonly #box = new Mailbox<ServerMessage>(
    (last, next) => last.type === 'progress' && next.type === 'progress',
  )
  readonly #until: number
  readonly #expiry: ReturnType<typeof setTimeout> | null
  #end: FeedEnd | null = null

  /**
   * @param gone when this fires nobody reads any more
   * @param until when the reader's token dies, in milliseconds; null for never
   */
  constructor(socket: WebSocket, gone: AbortSignal, until: number | null) {
    this.#socket = socket
    this.#gone = gone
    this.#until = until ?? Number.POSITIVE_INFINITY
    const ms = Math.min(this.#until - Date.now(), LONGEST_TIMER_MS)
    this.#expiry = until === null ? null : setTimeout(() => this.#finish('expired'), ms)
    socket.addEventListener('message', ({ data }) => this.#heard(String(data)))
    socket.addEventListener('close', ({ code }) => this.#finish(ENDS.get(code) ?? 'lost'))
    socket.addEventListener('error', () => this.#finish('lost'))
    socket.accept()
    gone.addEventListener('abort', this.#leave, { once: true })
    if (gone.aborted) this.close()
  }

  /** How it ended; null while it goes on. Messages may still wait to be read. */
  get end(): FeedEnd | null {
    return this.#end
  }

  /** The next message; null when none will come. */
  next(): Promise<ServerMessage | null> {
    return this.#box.next()
  }

  /** Puts a message back, to be read after those that wait. */
  putBack(message: ServerMessage): void {
    this.#box.put(message)
  }

  /** May be called at any time, and again. */
  close(): void {
    this.#finish('left')
  }

  #heard(text: string): void {
    if (this.#end) return
    if (Date.now() >= this.#until) return this.#finish('expired')
    const message: ServerMessage = JSON.parse(text)
    this.#box.put(message)
    if (this.#box.size > MOST_WAITING) this.#finish('lost')
  }

  #finish(end: FeedEnd): void {
    if (this.#end) return
    this.#end = end
    if (this.#expiry !== null) clearTimeout(this.#expiry)
    this.#gone.removeEventListener('abort', this.#leave)
    this.#box.close()
    try {
      this.#socket.close(1000, 'Nobody reads any more.')
    } catch {
      // Already closed from the other side.
    }
  }
}

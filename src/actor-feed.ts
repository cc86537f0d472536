/**
 * What one job's actor tells its watchers, as the Worker itself reads it: for a long poll, or to pass it on as
 * server-sent events. It is the same hibernatable WebSocket that a browser gets, so the actor can sleep while the
 * Worker waits, and one reader's pace is no concern of the others.
 */
import type { EventJson, JobJson } from '../actors/export-job/rpc.ts'
import type { Call } from './http.ts'
import { Mailbox } from './mailbox.ts'
import { unavailable } from './problem.ts'
import { callJob } from './stubs.ts'

export interface SnapshotMessage {
  type: 'snapshot'
  seq: number
  job: JobJson
  /** The number asked for is not, or no longer, in the log: what lies before `seq` is not told. */
  reset?: true
}

export interface EventMessage {
  type: 'event'
  seq: number
  event: EventJson
  /** Null when the job is being deleted. */
  job: JobJson | null
}

export interface ProgressMessage {
  type: 'progress'
  /** Of the last event before it. */
  seq: number
  progress: number
  stage: string | null
  message: string | null
  eta_seconds: number | null
  attempt: number
  round: number
}

export interface ReplayMessage {
  type: 'replay'
  from: number
  to: number
  events: EventJson[]
}

export type FeedMessage = ReplayMessage | SnapshotMessage | EventMessage | ProgressMessage

/** `ended`: the actor has no more to tell; `lost`: the line broke, or the reader was too slow; `left`: closed here. */
export type FeedEnd = 'ended' | 'lost' | 'left'

/** A reader this far behind is dropped: it resumes from the log, which holds the same and no memory. */
const MOST_WAITING = 256

/**
 * Watches a job until the feed is closed, which also happens when the client of `call` goes away. Whoever opens one
 * closes it.
 *
 * @param after the last log number known; null for none
 * @returns null when the actor shows no job
 * @throws Problem 503 when the actor cannot be reached
 */
export async function openFeed(call: Call, id: string, after: number | null): Promise<ActorFeed | null> {
  const query = after === null ? '' : `?after=${after}`
  const init = { headers: { Upgrade: 'websocket' } }
  const response = await callJob(call.env, id, (job) => job.fetch(`https://job/ws${query}`, init))
  if (response.status === 404) return null
  if (!response.webSocket) {
    throw unavailable('job_unavailable', 'The job could not be watched; try again shortly.')
  }
  return new ActorFeed(response.webSocket, call.request.signal)
}

export class ActorFeed {
  readonly #socket: WebSocket
  readonly #gone: AbortSignal
  readonly #leave = () => this.close()
  readonly #box = new Mailbox<FeedMessage>(
    (last, next) => last.type === 'progress' && next.type === 'progress',
  )
  #end: FeedEnd | null = null

  /** @param gone when this fires nobody reads any more */
  constructor(socket: WebSocket, gone: AbortSignal) {
    this.#socket = socket
    this.#gone = gone
    socket.addEventListener('message', ({ data }) => this.#heard(String(data)))
    socket.addEventListener('close', ({ code }) => this.#finish(code === 1000 ? 'ended' : 'lost'))
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
  next(): Promise<FeedMessage | null> {
    return this.#box.next()
  }

  /** Puts a message back, to be read after those that wait. */
  putBack(message: FeedMessage): void {
    this.#box.put(message)
  }

  /** May be called at any time, and again. */
  close(): void {
    this.#finish('left')
  }

  #heard(text: string): void {
    if (this.#end) return
    const message: FeedMessage = JSON.parse(text)
    this.#box.put(message)
    if (this.#box.size > MOST_WAITING) this.#finish('lost')
  }

  #finish(end: FeedEnd): void {
    if (this.#end) return
    this.#end = end
    this.#gone.removeEventListener('abort', this.#leave)
    this.#box.close()
    try {
      this.#socket.close(1000, 'Nobody reads any more.')
    } catch {
      // Already closed from the other side.
    }
  }
}

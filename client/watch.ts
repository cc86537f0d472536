/**
 * Follows one job to its end over whatever line there is: a WebSocket while one can be had, long polls while not.
 * Both feed one Tracker, so that changing the line neither loses nor repeats a log line.
 */
import { Feed } from './feed.ts'
import type { Transport } from './http.ts'
import { listen } from './listen.ts'
import { complete, poll } from './poll.ts'
import { callBack } from './report.ts'
import { Tracker, type Update } from './tracker.ts'
import { isEnded, type Job, type JobEvent, type ServerMessage } from './types.ts'

export type ConnectionStatus = 'connecting' | 'live' | 'reconnecting' | 'resumed' | 'polling' | 'closed'

/** `resumed`: reconnected without a gap at line `seq`; it becomes `live` with the next message. */
export interface ConnectionState {
  status: ConnectionStatus
  /** The last log line seen. */
  seq: number | null
  /** Why it closed, when it did not end with the job. */
  error?: unknown
}

export interface WatchOptions {
  /** Also replay the log lines after this one; 0 for all. Without it the watch begins with now. */
  after?: number | undefined
  signal?: AbortSignal | undefined
  onSnapshot?: ((job: Job, info: { seq: number; reset: boolean }) => void) | undefined
  /** `job` is null for a replayed line. */
  onEvent?: ((event: JobEvent, job: Job | null) => void) | undefined
  /** Whenever percent, stage or estimate changed, from whatever message. */
  onProgress?: ((progress: number, job: Job) => void) | undefined
  onState?: ((state: ConnectionState) => void) | undefined
}

/**
 * What came of a message. `gap`: not taken, a log line is missing before it. `ended`: the last one of the job. `cut`: the
 * job has ended, with more lines than this one, or by an older service, which does not mark the last.
 */
export type Taken = 'going' | 'gap' | 'ended' | 'cut'

/** What a line, socket or poll, reads from its watch and tells it. */
export interface Line {
  readonly id: string
  readonly http: Transport
  readonly tracker: Tracker
  readonly signal: AbortSignal
  accept(message: ServerMessage): Taken
  show(status: 'dialling' | 'polling'): void
}

/**
 * A running watch. It starts by itself; read it with `for await`, with callbacks, or both. Leaving the loop closes
 * it, and so do `close()` and the signal.
 */
export class JobWatch implements AsyncIterable<Update> {
  readonly id: string
  /** The ended job. Rejects when the watch was closed before, or cannot go on. */
  readonly done: Promise<Job>
  readonly #http: Transport
  readonly #options: WatchOptions
  readonly #tracker: Tracker
  readonly #stop = new AbortController()
  readonly #feed = new Feed<Update>((last, next) => last.type === 'progress' && next.type === 'progress')
  #state: ConnectionState
  #synced = false
  #shown: Job | null = null

  constructor(http: Transport, target: string | Job, options: WatchOptions = {}) {
    this.#http = http
    this.#options = options
    this.id = typeof target === 'string' ? target : target.id
    this.#tracker = new Tracker(options.after ?? null)
    this.#state = { status: 'connecting', seq: this.#tracker.seq }
    const abort = () => this.#stop.abort(options.signal?.reason)
    if (options.signal?.aborted) abort()
    options.signal?.addEventListener('abort', abort, { once: true })
    // A microtask later, so that whoever asked has the watch in hand before its first update.
    this.done = Promise.resolve()
      .then(() => this.#follow(typeof target === 'string' ? null : target))
      .finally(() => options.signal?.removeEventListener('abort', abort))
    this.done.then(
      () => this.#finish({}),
      (error: unknown) => this.#finish(error === closedByCaller ? {} : { error }),
    )
  }

  get state(): ConnectionState {
    return this.#state
  }

  /** As last seen. */
  get job(): Job | null {
    return this.#tracker.job
  }

  close(): void {
    this.#stop.abort(closedByCaller)
  }

  [Symbol.asyncIterator](): AsyncGenerator<Update, void, undefined> {
    const { job, seq } = this.#tracker
    const first: Update[] = job && seq !== null ? [{ type: 'snapshot', seq, job, reset: false }] : []
    return this.#feed.read(first, () => this.close())
  }

  async #follow(known: Job | null): Promise<Job> {
    const { timings, WebSocket } = this.#http
    const line: Line = {
      id: this.id,
      http: this.#http,
      tracker: this.#tracker,
      signal: this.#stop.signal,
      accept: (message) => this.#accept(message),
      show: (status) => this.#showLine(status),
    }
    line.signal.throwIfAborted()
    // A finished job has nothing more to say and is not dialled for it; but its log may have been asked for.
    if (known && isEnded(known)) {
      if (this.#options.after === undefined) this.#accept({ type: 'snapshot', seq: 0, job: known })
      else await complete(line, known)
      return this.#endedJob()
    }
    let patience = timings.socketFailures
    for (;;) {
      let pollMs = Number.POSITIVE_INFINITY
      if (WebSocket) {
        const heard = await listen(line, WebSocket, patience)
        if (heard === 'cut') await complete(line, this.#endedJob())
        if (heard === 'cut' || heard === 'ended') break
        // Closed for good, and yet the job has not ended: look once, then dial again.
        pollMs = heard === 'closed' ? timings.pollIntervalMs : timings.socketRetryMs
        patience = heard === 'closed' ? timings.socketFailures : 1
      }
      if (await poll(line, pollMs)) break
    }
    return this.#endedJob()
  }

  #accept(message: ServerMessage): Taken {
    const updates = this.#tracker.accept(message)
    if (updates === 'gap') return 'gap'
    if (updates.length > 0) this.#showHeard(message)
    for (const update of updates) this.#emit(update)
    // Replayed lines may end with the job's end; the snapshot after them carries the job.
    if (message.type === 'replay' || !this.job || !isEnded(this.job)) return 'going'
    return message.type === 'snapshot' || ('end' in message && message.end) ? 'ended' : 'cut'
  }

  #emit(update: Update): void {
    const { onSnapshot, onEvent, onProgress } = this.#options
    this.#feed.push(update)
    if (update.type === 'snapshot')
      callBack(() => onSnapshot?.(update.job, { seq: update.seq, reset: update.reset }))
    if (update.type === 'event') callBack(() => onEvent?.(update.event, update.job))
    const { job } = update
    if (!job) return
    const { progress, stage, eta_seconds } = this.#shown ?? {}
    this.#shown = job
    if (job.progress !== progress || job.stage !== stage || job.eta_seconds !== eta_seconds) {
      callBack(() => onProgress?.(job.progress, job))
    }
  }

  #showLine(status: 'dialling' | 'polling'): void {
    if (status === 'polling') this.#show(status)
    else this.#show(this.#synced ? 'reconnecting' : 'connecting')
  }

  #showHeard(message: ServerMessage): void {
    if (message.type === 'snapshot') {
      if (this.#state.status !== 'polling') this.#show(this.#synced && !message.reset ? 'resumed' : 'live')
      this.#synced = true
    } else if (this.#state.status === 'resumed') this.#show('live')
  }

  #show(status: ConnectionStatus, end: { error?: unknown } = {}): void {
    if (this.#state.status === 'closed') return
    this.#state = { status, seq: this.#tracker.seq, ...end }
    callBack(() => this.#options.onState?.(this.#state))
  }

  #finish(end: { error?: unknown }): void {
    this.#show('closed', end)
    this.#feed.end(end)
  }

  #endedJob(): Job {
    if (!this.job) throw new Error('A watch ended without its job')
    return this.job
  }
}

const closedByCaller = new DOMException('The watch was closed', 'AbortError')

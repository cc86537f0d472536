/**
 * Watches one job to its end over any available transport: a WebSocket while possible, else long polls. Both feed one
 * Tracker, so that changing the transport neither loses nor repeats a log line.
 */
import { Feed } from './feed.ts'
import type { Transport } from './http.ts'
import { listen } from './listen.ts'
import { complete, poll } from './poll.ts'
import { callBack } from './report.ts'
import { Tracker, type Update } from './tracker.ts'
import { isEnded, type Job, type JobEvent, type ServerMessage } from './types.ts'

export type ConnectionStatus = 'connecting' | 'live' | 'reconnecting' | 'resumed' | 'polling' | 'closed'

/** `resumed`: reconnected without a gap at line `seq`; becomes `live` with the next message. */
export interface ConnectionState {
  status: ConnectionStatus
  /** Number of the last log line received. */
  seq: number | null
  /** Why it closed, unless the job ended. */
  error?: unknown
}

export interface WatchOptions {
  /** Also replays the log lines after this one; 0 for all. By default the watch begins with the current state. */
  after?: number | undefined
  signal?: AbortSignal | undefined
  onSnapshot?: ((job: Job, info: { seq: number; reset: boolean }) => void) | undefined
  /** `job` is null for a replayed line. */
  onEvent?: ((event: JobEvent, job: Job | null) => void) | undefined
  /** Called whenever percent, stage or estimate changes, by any message. */
  onProgress?: ((progress: number, job: Job) => void) | undefined
  onState?: ((state: ConnectionState) => void) | undefined
}

/**
 * The effect of a message. `gap`: not accepted, since a log line is missing before it. `ended`: the last message of the
 * job. `cut`: the job has ended, but more lines follow, or an older service did not mark the last one.
 */
export type Taken = 'going' | 'gap' | 'ended' | 'cut'

/** The interface between a watch and its transport, socket or poll. */
export interface Line {
  readonly id: string
  readonly http: Transport
  readonly tracker: Tracker
  readonly signal: AbortSignal
  accept(message: ServerMessage): Taken
  show(status: 'dialling' | 'polling'): void
}

/**
 * A running watch. It starts by itself; read it with `for await`, with callbacks, or both. Leaving the loop closes it,
 * as do `close()` and the signal.
 */
export class JobWatch implements AsyncIterable<Update> {
  readonly id: string
  /** Resolves with the ended job. Rejects when the watch was closed before, or cannot continue. */
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
    // One microtask later, so that the caller has the watch before its first update.
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

  /** The last known state. */
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
    // An ended job sends nothing, so no connection is opened for it; but its log may have been requested.
    if (known && isEnded(known)) {
      if (this.#options.after === undefined) this.#accept({ type: 'snapshot', seq: 0, job: known })
      else await complete(line, known)
      return this.#endedJob()
    }
    let patience = timings.socketFailures
    for (;;) {
      let pollMs = Number.POSITIVE_INFINITY
      if (WebSocket) {
        const end = await listen(line, WebSocket, patience)
        if (end === 'cut') await complete(line, this.#endedJob())
        if (end === 'cut' || end === 'ended') break
        // The server closed for good, but the job has not ended: poll once, then connect again.
        pollMs = end === 'closed' ? timings.pollIntervalMs : timings.socketRetryMs
        patience = end === 'closed' ? timings.socketFailures : 1
      }
      if (await poll(line, pollMs)) break
    }
    return this.#endedJob()
  }

  #accept(message: ServerMessage): Taken {
    const { signal } = this.#stop
    signal.throwIfAborted()
    let told = this.#tracker.seq
    const updates = this.#tracker.accept(message)
    if (updates === 'gap') return 'gap'
    if (updates.length > 0) this.#showReceived(message)
    for (const update of updates) {
      // A callback closed the watch: what is not told any more does not count as received.
      if (signal.aborted) this.#tracker.seq = told
      signal.throwIfAborted()
      told = update.seq
      this.#emit(update)
    }
    // Replayed lines may include the job's end; the snapshot after them contains the job.
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
    if (!job || this.#stop.signal.aborted) return
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

  #showReceived(message: ServerMessage): void {
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

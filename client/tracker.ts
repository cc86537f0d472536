/**
 * The state of a watch, and how each message updates it. Pure: without sockets or a clock. It guarantees to readers of
 * its updates that every log line comes once and in order, that a missing line is detected, that an older job never
 * replaces a newer one, and that progress does not decrease within an attempt.
 */
import type { Job, JobEvent, ProgressMessage, ServerMessage } from './types.ts'

/** One step of a watched job. */
export type Update =
  /** The complete job. `reset`: earlier log lines may have been missed for good. */
  | { type: 'snapshot'; seq: number; job: Job; reset: boolean }
  /** A log line. `job` is its state at that line; null for a replayed line, which a snapshot with the job follows. */
  | { type: 'event'; seq: number; event: JobEvent; job: Job | null }
  | { type: 'progress'; seq: number; progress: number; stage: string | null; job: Job }

export class Tracker {
  /** Number of the last log line received. */
  seq: number | null
  job: Job | null = null
  #fresh = true

  constructor(after: number | null) {
    this.seq = after
  }

  /** Starts a new connection, whose first snapshot is accepted even if it contradicts the known state. */
  connected(): void {
    this.#fresh = true
  }

  /** `gap`: a log line is missing before this message, which was therefore not accepted; reconnect from `seq`. */
  accept(message: ServerMessage): Update[] | 'gap' {
    switch (message.type) {
      case 'snapshot':
        return this.#snapshot(message.seq, message.job, message.reset === true)
      case 'replay':
        return message.events.flatMap((event) => this.#line(event, null))
      case 'event':
        if (this.seq !== null && message.seq > this.seq + 1) return 'gap'
        return this.#line(message.event, message.job)
      case 'progress':
        return this.#progress(message)
      default:
        // A newer server may send message types that this client does not have.
        return []
    }
  }

  #snapshot(seq: number, job: Job, reset: boolean): Update[] {
    const first = this.#fresh
    this.#fresh = false
    const known = this.seq
    // Within a connection an older snapshot is late; at its start it means that the log was restarted.
    if (known !== null && seq < known && !reset && !first) return []
    const broken = reset || (known !== null && seq !== known)
    this.seq = seq
    return [{ type: 'snapshot', seq, job: this.#take(job, broken), reset: broken }]
  }

  #line(event: JobEvent, job: Job | null): Update[] {
    if (this.seq !== null && event.seq <= this.seq) return []
    this.seq = event.seq
    return [{ type: 'event', seq: event.seq, event, job: job && this.#take(job, false) }]
  }

  #progress(message: ProgressMessage): Update[] | 'gap' {
    const { job, seq } = this
    if (!job || seq === null || message.seq < seq || message.progress < job.progress) return []
    if (message.seq > seq) return 'gap'
    const { progress, stage, eta_seconds, message: words = job.message ?? null } = message
    const { queue = job.queue } = message
    const waits = queue && { queue, reason: queue.reason }
    this.job = { ...job, progress, stage, eta_seconds, message: words, ...waits }
    return [{ type: 'progress', seq, progress, stage, job: this.job }]
  }

  #take(job: Job, force: boolean): Job {
    const known = this.job
    if (known && !force && job.version < known.version) return known
    const sameAttempt = known?.round === job.round && known.attempt === job.attempt
    // A crash of the service may lose some seconds of progress; the shown value does not decrease.
    this.job = sameAttempt && known.progress > job.progress ? { ...job, progress: known.progress } : job
    return this.job
  }
}

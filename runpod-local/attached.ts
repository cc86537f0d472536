/**
 * External workers, attached over RunPod's own protocol between platform and worker: they poll for jobs, ping while
 * they have some, and post the results (runpod-python, rp_job.py, rp_ping.py, rp_http.py). Delivery of a job is never
 * assumed: a job is lost, and dispatched again, when its worker's poll had broken off, when its worker does not name it
 * in a ping for `lostWorkerMs`, or when its worker is gone.
 */
import type { Clock } from './clock.ts'
import type { JsonObject } from './job.ts'
import type { Outcome } from './outcome.ts'
import { Presence } from './presence.ts'
import type { WorkerJob } from './workers.ts'

export interface AttachedOptions {
  clock: Clock
  /** How long a worker may be silent about its job, ms. */
  lostWorkerMs: number
}

/** The answer to a poll: the jobs, and a function for an answer that was not delivered. */
export interface Handed {
  jobs: JsonObject[]
  undelivered(): void
}

/** A worker that waits for jobs; `hands` is the content of its answer. */
interface Poll {
  workerId: string
  room: number
  hands: Hold[]
  /** Sends the answer after all jobs of this moment were added. */
  end(): void
}

/** A job that a worker holds. */
interface Hold {
  workerId: string
  job: WorkerJob
  sent: JsonObject
  end(outcome: Outcome): void
  cancelTimer(): void
}

/** A slot on a waiting worker, reserved for one job. */
export interface Claim {
  workerId: string
  /** Hands the job over, and resolves with its outcome. */
  hand(job: WorkerJob, sent: JsonObject): Promise<Outcome>
}

export class AttachedWorkers {
  readonly #options: AttachedOptions
  readonly #polls = new Set<Poll>()
  readonly #holds = new Map<string, Hold>()
  /** Called when `jobsToStop` may have changed, and at the end. */
  readonly #stopWatchers = new Set<() => void>()
  /** Jobs whose workers were sent a stop. */
  readonly #notified = new Set<Hold>()
  readonly #presence: Presence
  #closed = false

  constructor(options: AttachedOptions) {
    this.#options = options
    const onGone = (workerId: string) => {
      for (const hold of this.#of(workerId)) this.#lose(hold, 'it broke off its poll and is gone')
    }
    this.#presence = new Presence({ ...options, onGone })
  }

  /** How many jobs could be handed over at once. */
  get waiting(): number {
    return [...this.#polls].reduce((sum, poll) => sum + poll.room - poll.hands.length, 0)
  }

  /** How many workers have a job, and how many wait for one. */
  get counts(): { running: number; idle: number } {
    const running = new Set([...this.#holds.values()].map(({ workerId }) => workerId))
    const seen = new Set([...running, ...[...this.#polls].map(({ workerId }) => workerId)])
    return { running: running.size, idle: seen.size - running.size }
  }

  /** Reserves a slot on the longest-waiting worker; null when none waits. */
  claim(): Claim | null {
    const poll = [...this.#polls].find(({ room, hands }) => hands.length < room)
    if (poll === undefined) return null
    const { workerId } = poll
    return {
      workerId,
      hand: (job, sent) =>
        new Promise((resolve) => {
          const hold = this.#hold(workerId, job, sent, resolve)
          poll.hands.push(hold)
          // All other jobs that are queued at this moment are sent with it.
          if (poll.hands.length === 1) queueMicrotask(() => poll.end())
        }),
    }
  }

  /** Waits up to `waitMs` for at most `room` jobs for this worker; `gone` aborts when it has disconnected. */
  poll(workerId: string, room: number, waitMs: number, gone: AbortSignal): Promise<Handed> {
    return new Promise((resolve) => {
      const poll: Poll = {
        workerId,
        room,
        hands: [],
        end: () => {
          if (!this.#polls.delete(poll)) return
          cancelTimer()
          gone.removeEventListener('abort', poll.end)
          this.#presence.ended(workerId)
          const undelivered = () => {
            for (const hold of poll.hands) this.#lose(hold, 'its poll was dead')
            this.#brokeOff(workerId)
          }
          resolve({ jobs: poll.hands.map(({ sent }) => sent), undelivered })
        },
      }
      const cancelTimer = this.#options.clock.after(waitMs, poll.end)
      gone.addEventListener('abort', poll.end)
      this.#polls.add(poll)
      this.#presence.began(workerId)
      if (this.#closed || gone.aborted) poll.end()
    })
  }

  /** Handles a ping: the worker is alive and works on these jobs. */
  ping(workerId: string, jobIds: readonly string[]): void {
    for (const hold of this.#of(workerId)) {
      if (jobIds.includes(hold.job.id)) this.#seen(hold)
      // The worker received a stop for this job, and does not hold it any more.
      else if (this.#notified.has(hold)) hold.end({ kind: 'failed', error: 'stopped', output: undefined })
    }
    // A worker that still holds a job after its stop is sent the stop again.
    for (const hold of this.#of(workerId)) if (jobIds.includes(hold.job.id)) this.#notified.delete(hold)
    this.#wakeStops()
  }

  /** An update of a job from its worker; undefined when this worker does not hold it. */
  news(workerId: string, jobId: string): WorkerJob | undefined {
    const hold = this.#holds.get(jobId)
    if (hold?.workerId !== workerId) return undefined
    this.#seen(hold)
    this.#presence.seen(workerId)
    return hold.job
  }

  /** The result of a job. False when this worker does not hold it. */
  done(workerId: string, jobId: string, outcome: Outcome): boolean {
    const hold = this.#holds.get(jobId)
    if (hold?.workerId !== workerId) return false
    hold.end(outcome)
    return true
  }

  /** Waits up to `waitMs` for jobs that this worker must stop, and returns their ids. */
  stops(workerId: string, waitMs: number, gone: AbortSignal): Promise<string[]> {
    return new Promise((resolve) => {
      const end = () => {
        cancelTimer()
        gone.removeEventListener('abort', end)
        this.#stopWatchers.delete(look)
        this.#presence.ended(workerId)
        if (gone.aborted) this.#brokeOff(workerId)
        const holds = gone.aborted ? [] : this.#toStop(workerId)
        for (const hold of holds) this.#notified.add(hold)
        resolve(holds.map(({ job }) => job.id))
      }
      const look = () => {
        if (this.#closed || this.#toStop(workerId).length > 0) end()
      }
      const cancelTimer = this.#options.clock.after(waitMs, end)
      gone.addEventListener('abort', end)
      this.#stopWatchers.add(look)
      this.#presence.began(workerId)
      if (gone.aborted) end()
      else look()
    })
  }

  /** Ends every poll; jobs still held are abandoned. */
  close(): void {
    this.#closed = true
    this.#presence.close()
    for (const poll of [...this.#polls]) poll.end()
    for (const hold of [...this.#holds.values()]) this.#lose(hold, 'the endpoint is shutting down')
    this.#wakeStops()
  }

  #hold(workerId: string, job: WorkerJob, sent: JsonObject, resolve: (outcome: Outcome) => void): Hold {
    const stop = () => this.#wakeStops()
    const hold: Hold = {
      workerId,
      job,
      sent,
      cancelTimer: () => {},
      end: (outcome) => {
        hold.cancelTimer()
        job.signal.removeEventListener('abort', stop)
        this.#notified.delete(hold)
        if (this.#holds.get(job.id) === hold) this.#holds.delete(job.id)
        resolve(outcome)
      },
    }
    this.#holds.set(job.id, hold)
    job.signal.addEventListener('abort', stop)
    this.#seen(hold)
    return hold
  }

  #seen(hold: Hold): void {
    const { clock, lostWorkerMs } = this.#options
    hold.cancelTimer()
    hold.cancelTimer = clock.after(lostWorkerMs, () => this.#lose(hold, 'its worker stopped pinging'))
  }

  #brokeOff(workerId: string): void {
    if (this.#of(workerId).length > 0) this.#presence.brokeOff(workerId)
  }

  #lose(hold: Hold, why: string): void {
    hold.end({ kind: 'lost', why, noticed: true })
  }

  #of(workerId: string): Hold[] {
    return [...this.#holds.values()].filter((hold) => hold.workerId === workerId)
  }

  #toStop(workerId: string): Hold[] {
    return this.#of(workerId).filter((hold) => hold.job.signal.aborted && !this.#notified.has(hold))
  }

  #wakeStops(): void {
    for (const look of [...this.#stopWatchers]) look()
  }
}

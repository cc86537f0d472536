/**
 * Workers of someone else's, attached over RunPod's own protocol between platform and worker: they poll for jobs,
 * ping while they have some, and post what came out (runpod-python, rp_job.py, rp_ping.py, rp_http.py). Nothing that
 * is handed over is trusted to have arrived: a job whose worker's poll was dead, or whose worker does not name it in
 * a ping for `lostWorkerMs`, is lost, and the endpoint hands it out again.
 */
import type { Clock } from './clock.ts'
import type { JsonObject } from './job.ts'
import type { Outcome, WorkerJob } from './workers.ts'

export interface AttachedOptions {
  clock: Clock
  /** How long a worker may say nothing about its job, ms. */
  lostWorkerMs: number
}

/** What a poll is answered with: the jobs, and what to do when the answer did not get through. */
export interface Handed {
  jobs: JsonObject[]
  undelivered(): void
}

/** A worker that waits for jobs; `hands` is what it will be answered. */
interface Poll {
  workerId: string
  room: number
  hands: Hold[]
  /** Answers it once the jobs of this moment are all in. */
  end(): void
}

/** A job in the hands of a worker. */
interface Hold {
  workerId: string
  job: WorkerJob
  sent: JsonObject
  end(outcome: Outcome): void
  cancelTimer(): void
}

/** A place on a waiting worker, taken for one job. */
export interface Claim {
  workerId: string
  /** Hands the job over and resolves with how it ended. */
  hand(job: WorkerJob, sent: JsonObject): Promise<Outcome>
}

export class AttachedWorkers {
  readonly #options: AttachedOptions
  readonly #polls = new Set<Poll>()
  readonly #holds = new Map<string, Hold>()
  /** Told once there may be something for `jobsToStop`, or the end. */
  readonly #stopWatchers = new Set<() => void>()
  /** Jobs that their workers were told to stop. */
  readonly #told = new Set<Hold>()
  #closed = false

  constructor(options: AttachedOptions) {
    this.#options = options
  }

  /** How many jobs could be handed over at once. */
  get waiting(): number {
    return [...this.#polls].reduce((sum, poll) => sum + poll.room - poll.hands.length, 0)
  }

  /** Takes a place on the worker that waits longest; null when none waits. */
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
          // Whatever else is queued at this moment goes with it.
          if (poll.hands.length === 1) queueMicrotask(() => poll.end())
        }),
    }
  }

  /** Waits up to `waitMs` for jobs for this worker, at most `room`; `gone` aborts when it hung up. */
  poll(workerId: string, room: number, waitMs: number, gone: AbortSignal): Promise<Handed> {
    return new Promise((resolve) => {
      const poll: Poll = {
        workerId,
        room,
        hands: [],
        end: () => {
          cancelTimer()
          gone.removeEventListener('abort', poll.end)
          this.#polls.delete(poll)
          const undelivered = () => {
            for (const hold of poll.hands) this.#lose(hold, 'its poll was dead')
          }
          resolve({ jobs: poll.hands.map(({ sent }) => sent), undelivered })
        },
      }
      const cancelTimer = this.#options.clock.after(waitMs, poll.end)
      gone.addEventListener('abort', poll.end)
      this.#polls.add(poll)
      if (this.#closed || gone.aborted) poll.end()
    })
  }

  /** A ping: the worker lives and works on these jobs. */
  ping(workerId: string, jobIds: readonly string[]): void {
    for (const hold of this.#of(workerId)) {
      if (jobIds.includes(hold.job.id)) this.#seen(hold)
      // It was told to stop this one, and does not have it any more.
      else if (this.#told.has(hold)) hold.end({ kind: 'failed', error: 'stopped', output: undefined })
    }
    // One that still has a job it was told to drop is told again.
    for (const hold of this.#of(workerId)) if (jobIds.includes(hold.job.id)) this.#told.delete(hold)
    this.#wakeStops()
  }

  /** News of a job from the worker that has it; undefined when this worker does not have it. */
  news(workerId: string, jobId: string): WorkerJob | undefined {
    const hold = this.#holds.get(jobId)
    if (hold?.workerId !== workerId) return undefined
    this.#seen(hold)
    return hold.job
  }

  /** The result of a job. False when this worker does not have it. */
  done(workerId: string, jobId: string, outcome: Outcome): boolean {
    const hold = this.#holds.get(jobId)
    if (hold?.workerId !== workerId) return false
    hold.end(outcome)
    return true
  }

  /** Waits up to `waitMs` for jobs that this worker must stop, and answers their ids. */
  stops(workerId: string, waitMs: number, gone: AbortSignal): Promise<string[]> {
    return new Promise((resolve) => {
      const end = () => {
        cancelTimer()
        gone.removeEventListener('abort', end)
        this.#stopWatchers.delete(look)
        const holds = gone.aborted ? [] : this.#toStop(workerId)
        for (const hold of holds) this.#told.add(hold)
        resolve(holds.map(({ job }) => job.id))
      }
      const look = () => {
        if (this.#closed || this.#toStop(workerId).length > 0) end()
      }
      const cancelTimer = this.#options.clock.after(waitMs, end)
      gone.addEventListener('abort', end)
      this.#stopWatchers.add(look)
      if (gone.aborted) end()
      else look()
    })
  }

  /** Ends every poll; jobs still held are given up. */
  close(): void {
    this.#closed = true
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
        this.#told.delete(hold)
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

  #lose(hold: Hold, why: string): void {
    hold.end({ kind: 'lost', why, noticed: true })
  }

  #of(workerId: string): Hold[] {
    return [...this.#holds.values()].filter((hold) => hold.workerId === workerId)
  }

  #toStop(workerId: string): Hold[] {
    return this.#of(workerId).filter((hold) => hold.job.signal.aborted && !this.#told.has(hold))
  }

  #wakeStops(): void {
    for (const look of [...this.#stopWatchers]) look()
  }
}

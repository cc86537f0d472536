/**
 * The queue of one RunPod endpoint, and the rules by which its jobs change state: first come, first served; a fixed
 * number of workers; `ttl` from submission, over queue and run; `executionTimeout` only while a worker has the job; one
 * more dispatch after a worker was lost; results kept for a while. Independent of HTTP and video: the handler does the
 * work, and the clock is a parameter.
 */
import {
  envelope,
  isFinal,
  type Job,
  type JobRequest,
  type JobStatus,
  type JsonObject,
  newJob,
} from './job.ts'
import type { Outcome } from './outcome.ts'
import { Workers, type WorkersOptions } from './workers.ts'

export interface EndpointOptions extends WorkersOptions {
  /** How long a lost worker stays undetected, ms. About 40 s was observed in the cloud. */
  lostWorkerMs: number
  /** How long a result of `/run` is kept after its end, ms; 30 min in the cloud. */
  retentionMs: number
  /** The same for `/runsync`; 1 min in the cloud. */
  syncRetentionMs: number
  /** Called once for each end that RunPod sends a webhook for, with the envelope of that moment. */
  onEnd(job: Job, body: JsonObject): void
}

interface Ending {
  error?: string
  output?: unknown
  /** Whether the worker continues although RunPod has ended the job. */
  keepWorker?: boolean
}

type TimerName = Parameters<Job['timers']['get']>[0]

/** How many jobs `GET /jobs` lists, including those that RunPod has deleted. */
const HISTORY = 10_000

export class Endpoint {
  readonly #options: EndpointOptions
  readonly #workers: Workers
  readonly #jobs = new Map<string, Job>()
  readonly #history: Job[] = []
  readonly #counts = { completed: 0, failed: 0, retried: 0 }
  #queue: Job[] = []
  #closed = false

  constructor(options: EndpointOptions) {
    this.#options = options
    this.#workers = new Workers(options)
  }

  /** Adds a job to the queue. */
  submit(request: JobRequest, sync: boolean): Job {
    const job = newJob(request, sync, this.#options.clock.now())
    this.#jobs.set(job.id, job)
    this.#history.push(job)
    if (this.#history.length > HISTORY) this.#history.shift()
    this.#log('job.accepted', job, { attempt: job.label.attempt })
    this.#arm(job, 'ttl', request.ttlMs, () => this.#forget(job, 'ttl'))
    this.#queue.push(job)
    this.pump()
    return job
  }

  /** The job; undefined once it is past its ttl or retention, as in the cloud. */
  find(id: string): Job | undefined {
    return this.#jobs.get(id)
  }

  /** Every job since the start, including deleted ones, oldest first. */
  history(): readonly Job[] {
    return this.#history
  }

  /** Cancels a queued or running job; a final one is not changed. */
  cancel(job: Job): void {
    if (isFinal(job.status)) return
    this.#end(job, 'CANCELLED', { keepWorker: this.#options.faults.of(job.label).cancel === 'ignore' })
  }

  /** Queues a failed job again under its id, without its output. False when its state does not allow it. */
  retry(job: Job): boolean {
    if (job.status !== 'FAILED' && job.status !== 'TIMED_OUT') return false
    this.#disarm(job, 'retention')
    this.#requeue(job)
    this.#change(job, { output: undefined, error: null, endedAt: null, retries: 0 })
    this.#queue.push(job)
    this.pump()
    return true
  }

  /** Removes every queued job and returns their number. */
  purge(): number {
    const queued = this.#queue
    for (const job of queued) this.#forget(job, 'purge')
    return queued.length
  }

  /** Deletes the job after `ms`, unless it is deleted sooner (`/status?ttl=`). */
  keepFor(job: Job, ms: number): void {
    this.#arm(job, 'kept', ms, () => this.#forget(job, 'ttl of /status'))
  }

  /** The counts of `/health`. */
  health(): JsonObject {
    const states = [...this.#jobs.values()].map((job) => job.status)
    const held = this.#options.faults.body.hold_queue === true
    const { idle, running } = this.#workers.counts
    return {
      jobs: {
        completed: this.#counts.completed,
        failed: this.#counts.failed,
        inProgress: states.filter((status) => status === 'IN_PROGRESS').length,
        inQueue: states.filter((status) => status === 'IN_QUEUE').length,
        retried: this.#counts.retried,
      },
      workers: {
        idle: held ? 0 : idle,
        initializing: 0,
        ready: held ? 0 : idle,
        running,
        throttled: held ? idle : 0,
        unhealthy: 0,
      },
    }
  }

  /** Resolves when `done` returns true, the job is deleted, `gone` aborts, `ms` have passed, or the endpoint closes. */
  until(job: Job, done: () => boolean, ms: number, gone: AbortSignal): Promise<void> {
    const over = () => done() || job.deletedAt !== null || this.#closed || gone.aborted
    if (over()) return Promise.resolve()
    return new Promise((resolve) => {
      const end = () => {
        cancelTimer()
        gone.removeEventListener('abort', end)
        job.watchers.delete(look)
        resolve()
      }
      const look = () => {
        if (over()) end()
      }
      const cancelTimer = this.#options.clock.after(ms, end)
      gone.addEventListener('abort', end)
      job.watchers.add(look)
    })
  }

  /**
   * Returns the parts for `/stream` since the last call; `giveBack` restores them for a reader that did not get them.
   */
  takeParts(job: Job): { parts: unknown[]; giveBack(): void } {
    const { parts } = job
    job.parts = []
    const giveBack = () => {
      if (job.deletedAt === null) this.#change(job, { parts: [...parts, ...job.parts] })
    }
    return { parts, giveBack }
  }

  /** Assigns queued jobs to idle workers; called after every change that may have made that possible. */
  pump(): void {
    while (!this.#closed && this.#workers.places > 0) {
      const next = this.#queue.find((job) => !this.#options.faults.of(job.label).hold_queue)
      if (next === undefined) return
      this.#queue = this.#queue.filter((job) => job !== next)
      // The platform leaves an empty input out of the job, and the SDK's worker does not accept a job without an input:
      // such a job never gets a result (runpod-python, rp_job.py get_job).
      if (Object.keys(next.request.input).length === 0)
        this.#lost(next, 'its input is empty, no worker takes it')
      else this.#run(next)
    }
  }

  /** Stops every worker, cancels every timer, and resolves when the last worker has cleaned up. */
  async close(): Promise<void> {
    this.#closed = true
    for (const job of this.#history) {
      for (const cancel of job.timers.values()) cancel()
      this.#change(job, {})
    }
    await this.#workers.close()
  }

  #run(job: Job): void {
    const { faults } = this.#options
    const { workerId, startedAt } = this.#workers.start(job, (run) => ({
      current: () => job.status === 'IN_PROGRESS' && job.deletedAt === null && job.runs.at(-1) === run,
      update: (output) => this.#change(job, { output }),
      stream: (part) => this.#change(job, { parts: [...job.parts, part] }),
      ended: (outcome, current) => {
        if (current) this.#settle(job, outcome)
        this.pump()
      },
    }))
    this.#change(job, { status: 'IN_PROGRESS', startedAt, workerId })
    this.#log('job.taken', job, { worker: workerId, queued_ms: startedAt - job.queuedAt })
    this.#arm(job, 'execution', job.request.executionTimeoutMs, () => {
      const status = faults.of(job.label).timed_out ? 'TIMED_OUT' : 'FAILED'
      this.#end(job, status, { error: 'executionTimeout exceeded' })
    })
  }

  #settle(job: Job, outcome: Outcome): void {
    if (outcome.kind === 'lost') this.#lost(job, outcome.why, outcome.noticed ? 0 : undefined)
    else if (outcome.kind === 'completed') this.#end(job, 'COMPLETED', { output: outcome.output })
    else this.#end(job, 'FAILED', { error: outcome.error, output: outcome.output })
  }

  /** The job's worker is lost: once this is detected it is dispatched again, and the second time it fails. */
  #lost(job: Job, why: string, noticedAfterMs = this.#options.lostWorkerMs): void {
    this.#log('worker.lost', job, { why })
    this.#disarm(job, 'execution')
    this.#arm(job, 'lost', noticedAfterMs, () => {
      if (job.retries > 0) return this.#end(job, 'FAILED', { error: 'job timed out after 1 retries' })
      this.#counts.retried += 1
      this.#requeue(job)
      this.#change(job, { retries: 1 })
      this.#log('job.dispatched_again', job)
      this.#queue.unshift(job)
      this.pump()
    })
  }

  #requeue(job: Job): void {
    const queuedAt = this.#options.clock.now()
    this.#change(job, { status: 'IN_QUEUE', queuedAt, startedAt: null, workerId: null, output: undefined })
  }

  #end(job: Job, status: JobStatus, ending: Ending): void {
    const { clock, retentionMs, syncRetentionMs, faults } = this.#options
    this.#queue = this.#queue.filter((queued) => queued !== job)
    this.#disarm(job, 'execution')
    this.#disarm(job, 'lost')
    if (status === 'COMPLETED') this.#counts.completed += 1
    if (status === 'FAILED' || status === 'TIMED_OUT') this.#counts.failed += 1
    this.#log('job.ended', job, { status, error: ending.error })
    this.#arm(job, 'retention', job.sync ? syncRetentionMs : retentionMs, () =>
      this.#forget(job, 'retention'),
    )
    this.#change(job, { status, endedAt: clock.now(), output: ending.output, error: ending.error ?? null })
    if (!ending.keepWorker) this.#stopWorker(job, ending.error ?? status)
    // Whether the cloud calls the webhook of a cancelled job is not established; here only a fault switch makes it do
    // so.
    const notifies = status !== 'CANCELLED' || faults.of(job.label).webhook?.on_cancel === true
    if (notifies && !this.#closed) this.#options.onEnd(job, envelope(job, clock.now()))
    this.pump()
  }

  /** Deletes the job in any state; its worker is stopped and no webhook is sent. */
  #forget(job: Job, why: string): void {
    if (job.deletedAt !== null) return
    for (const cancel of job.timers.values()) cancel()
    job.timers.clear()
    this.#queue = this.#queue.filter((queued) => queued !== job)
    this.#jobs.delete(job.id)
    this.#log('job.deleted', job, { status: job.status, why })
    const request = { ...job.request, input: {}, webhook: null }
    this.#change(job, { deletedAt: this.#options.clock.now(), request, output: undefined, parts: [] })
    this.#stopWorker(job, `deleted: ${why}`)
    this.pump()
  }

  #stopWorker(job: Job, why: string): void {
    const run = job.runs.at(-1)
    if (run?.endedAt === null) run.stop.abort(new Error(why))
  }

  #change(job: Job, change: Partial<Job>): void {
    Object.assign(job, change)
    for (const look of [...job.watchers]) look()
  }

  #arm(job: Job, name: TimerName, ms: number, run: () => void): void {
    this.#disarm(job, name)
    if (!this.#closed) job.timers.set(name, this.#options.clock.after(ms, run))
  }

  #disarm(job: Job, name: TimerName): void {
    job.timers.get(name)?.()
    job.timers.delete(name)
  }

  #log(event: string, job: Job, fields: Parameters<EndpointOptions['log']>[1] = {}): void {
    this.#options.log(event, { runpod_job: job.id, job: job.label.jobId, ...fields })
  }
}

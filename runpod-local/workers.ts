/**
 * The workers of the endpoint: each has one job at a time, runs the handler on it, and stays busy until the handler has
 * returned, even if RunPod ended the job long before. Waiting workers that are attached over HTTP take precedence,
 * since a developer attaches one in order to run it.
 */
import type { AttachedWorkers } from './attached.ts'
import type { Clock } from './clock.ts'
import type { FaultSet, FaultSwitches } from './faults.ts'
import { type Job, type JsonObject, type Run, sizeLimit } from './job.ts'
import type { Log } from './log.ts'
import { type Outcome, returned, thrown, tooLarge } from './outcome.ts'

/** The argument of a handler. */
export interface WorkerJob {
  id: string
  input: JsonObject
  workerId: string
  /** Maximum size of the job's result, bytes. */
  resultLimit: number
  /** Aborts when the platform stops the job: cancel, ttl, execution timeout, shutdown. */
  signal: AbortSignal
  /** Sets the `output` that `/status` returns while the job runs, like the SDK's `progress_update`. */
  update(output: unknown): void
  /** One part for `/stream`, like a value yielded by a generator handler. */
  stream(part: unknown): void
  /** The current fault switches of this job. */
  faults(): FaultSet
  /** Uses one of a counted switch's times; false when none is left. */
  spend(name: 'fail' | 'crash' | 'stall', times: number | undefined): boolean
}

/** Does the work and returns the job's output; an `error` string in it fails the job, as in the SDK. */
export type Handler = (job: WorkerJob) => Promise<unknown>

export interface WorkersOptions {
  /** How many jobs the handler runs at once. */
  count: number
  handler: Handler
  attached: AttachedWorkers
  faults: FaultSwitches
  clock: Clock
  log: Log
}

/** Notifications of a run to the endpoint. `current` is false once the job ended or went to another worker. */
export interface RunHooks {
  current(): boolean
  update(output: unknown): void
  stream(part: unknown): void
  ended(outcome: Outcome, current: boolean): void
}

export class Workers {
  readonly #options: WorkersOptions
  readonly #active = new Map<Run, Promise<void>>()
  #made = 0
  /** Number of runs by the handler of this process. */
  #own = 0

  constructor(options: WorkersOptions) {
    this.#options = options
  }

  /** How many jobs could be started at once. */
  get places(): number {
    return this.#spare + this.#options.attached.waiting
  }

  /** How many workers have a job, and how many wait for one, regardless of each one's capacity. */
  get counts(): { running: number; idle: number } {
    const { running, idle } = this.#options.attached.counts
    return { running: this.#own + running, idle: this.#spare + idle }
  }

  get #spare(): number {
    return Math.max(0, this.#options.count - this.#own)
  }

  /** Assigns `job` to an idle worker and records the run on it. */
  start(job: Job, hooks: (run: Run) => RunHooks): Run {
    const { clock, faults, attached } = this.#options
    const claim = attached.claim()
    if (claim === null) this.#made += 1
    const run: Run = {
      workerId: claim?.workerId ?? `local-${this.#made}`,
      startedAt: clock.now(),
      endedAt: null,
      outcome: null,
      stop: new AbortController(),
    }
    job.runs.push(run)
    const { current, update, stream, ended } = hooks(run)
    const context: WorkerJob = {
      id: job.id,
      input: job.request.input,
      workerId: run.workerId,
      resultLimit: sizeLimit(job.sync),
      signal: run.stop.signal,
      // A late update after the result must not reopen the job (runpod-python#250).
      update: (output) => current() && update(output),
      stream: (part) => current() && stream(part),
      faults: () => faults.of(job.label),
      spend: (name, times) => faults.spend(name, job.label, times),
    }
    const outcome = claim?.hand(context, handedOver(job, run)) ?? this.#handle(context)
    const settled = outcome.then((how) => {
      this.#left(job, run, how)
      ended(how, current())
    })
    this.#active.set(run, settled)
    return run
  }

  /** Runs the handler in this process; never rejects. */
  async #handle(context: WorkerJob): Promise<Outcome> {
    this.#own += 1
    try {
      // Lets the caller record the run before the handler's first step.
      await Promise.resolve()
      const outcome = returned(await this.#options.handler(context))
      const { kind: _, ...body } = outcome
      const size = Buffer.byteLength(JSON.stringify(body))
      return size > context.resultLimit ? tooLarge(size, context.resultLimit) : outcome
    } catch (error) {
      return thrown(error, context.workerId)
    } finally {
      this.#own -= 1
    }
  }

  /** Stops all workers; resolves when the last one has cleaned up. */
  async close(): Promise<void> {
    for (const run of this.#active.keys()) run.stop.abort(new Error('the endpoint is shutting down'))
    this.#options.attached.close()
    await Promise.all(this.#active.values())
  }

  #left(job: Job, run: Run, outcome: Outcome): void {
    run.endedAt = this.#options.clock.now()
    run.outcome = run.stop.signal.aborted ? 'stopped' : outcome.kind
    this.#active.delete(run)
    this.#options.log('worker.left', {
      runpod_job: job.id,
      job: job.label.jobId,
      worker: run.workerId,
      outcome: run.outcome,
    })
  }
}

/** The job as sent to a worker: an SDK passes all of it to its handler. */
function handedOver(job: Job, run: Run): JsonObject {
  const { input, webhook } = job.request
  return {
    id: job.id,
    input,
    delayTime: run.startedAt - job.queuedAt,
    ...(job.retries > 0 && { retries: job.retries }),
    ...(webhook !== null && { webhook }),
  }
}

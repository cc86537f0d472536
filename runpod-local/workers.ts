/**
 * The workers of the endpoint: each has one job at a time, runs the handler on it, and stays busy until the
 * handler is really gone, also when RunPod has long ended the job. A worker that was attached over HTTP and waits
 * for a job goes first: whoever attached it means to see it work.
 */
import type { AttachedWorkers } from './attached.ts'
import type { Clock } from './clock.ts'
import type { FaultSet, FaultSwitches } from './faults.ts'
import { isObject, type Job, type JsonObject, type Run } from './job.ts'
import type { Log } from './log.ts'

/** What a handler gets. */
export interface WorkerJob {
  id: string
  input: JsonObject
  workerId: string
  /** Aborts when the platform stops the job: cancel, ttl, execution timeout, shutdown. */
  signal: AbortSignal
  /** Shown by `/status` as `output` while the job runs, like `progress_update` of the SDK. */
  update(output: unknown): void
  /** One part for `/stream`, like a value yielded by a generator handler. */
  stream(part: unknown): void
  /** The fault switches of this job, as they stand now. */
  faults(): FaultSet
  /** Uses up one of the times that a counted switch has; false when there is none left. */
  spend(name: 'fail' | 'crash' | 'stall', times: number | undefined): boolean
}

/** Does the work. What it returns is the job's output; an `error` string in it fails the job, like in the SDK. */
export type Handler = (job: WorkerJob) => Promise<unknown>

/** Thrown by a handler whose worker died without a word; the platform notices only later. */
export class WorkerLost extends Error {
  override name = 'WorkerLost'
}

/** How a run came to its end, in the terms of a RunPod result. */
export type Outcome =
  | { kind: 'completed'; output: unknown }
  | { kind: 'failed'; error: string; output: unknown }
  /** `noticed`: the platform knows it already, and need not wait for it. */
  | { kind: 'lost'; why: string; noticed?: boolean }

export interface WorkersOptions {
  /** How many jobs the handler runs at once. */
  count: number
  handler: Handler
  attached: AttachedWorkers
  faults: FaultSwitches
  clock: Clock
  log: Log
}

/** What a run tells the endpoint. `current` is false once the job ended or went to another worker. */
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
  /** Runs of the handler of this process. */
  #own = 0

  constructor(options: WorkersOptions) {
    this.#options = options
  }

  get running(): number {
    return this.#active.size
  }

  get idle(): number {
    return Math.max(0, this.#options.count - this.#own) + this.#options.attached.waiting
  }

  /** Gives `job` to an idle worker and notes the run on it. */
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
      signal: run.stop.signal,
      // A late update after the result must not bring the job back (runpod-python#250).
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

  /** Runs the handler of this process; never rejects. */
  async #handle(context: WorkerJob): Promise<Outcome> {
    this.#own += 1
    try {
      // The caller notes the run before the handler's first step.
      await Promise.resolve()
      return resultOf(await this.#options.handler(context))
    } catch (error) {
      return failureOf(error, context.workerId)
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

/** What a worker is sent: an SDK passes all of it to its handler. */
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

/** The SDK's reading of a returned value: `error` is lifted out, an empty object is dropped (rp_job.py). */
function resultOf(value: unknown): Outcome {
  if (!isObject(value)) return { kind: 'completed', output: value ?? null }
  const { error, ...rest } = value
  const output = Object.keys(rest).length > 0 ? rest : undefined
  return typeof error === 'string' ? { kind: 'failed', error, output } : { kind: 'completed', output }
}

/** The SDK's reading of an exception: the error is JSON text. */
function failureOf(error: unknown, workerId: string): Outcome {
  if (error instanceof WorkerLost) return { kind: 'lost', why: error.message }
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error))
  const text = {
    error_type: name,
    error_message: message,
    error_traceback: stack ?? '',
    hostname: 'localhost',
    worker_id: workerId,
    runpod_version: 'runpod-local',
  }
  return { kind: 'failed', error: JSON.stringify(text), output: undefined }
}

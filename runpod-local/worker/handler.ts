/**
 * The worker's handler: from a job's input to a stored result, telling the service on the way. What turns the
 * input into a file is the `render` step; the rest is the same for the real worker and the one for benches. It
 * leaves nothing behind: the job's directory goes whatever happens.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import { type Handler, type WorkerJob, WorkerLost } from '../workers.ts'
import { toFailure } from './failure.ts'
import { type ExportInput, parseInput } from './input.ts'
import { type Progress, Reports } from './reports.ts'
import { Sabotage } from './sabotage.ts'
import { storeResult } from './transfer-result.ts'

export interface RenderContext {
  input: ExportInput
  job: WorkerJob
  /** The job's own directory. */
  dir: string
  signal: AbortSignal
  progress(next: Progress): void
  /** Notes a sentence about a result that is right but not all that was to be expected. */
  warn(note: string): void
  /** Sends the newest progress now. */
  flush(): Promise<void>
}

/** Makes the result and answers the path of its file. Throws a `JobFailure`, or the reason of the signal. */
export type Render = (context: RenderContext) => Promise<string>

export interface HandlerOptions {
  render: Render
  /** Where the jobs' directories are made. */
  dir: string
  clock: Clock
  log: Log
  /** Least time between two progress reports, ms. */
  reportIntervalMs: number
  heartbeatMs: number
  backoffMs: readonly number[]
  requestTimeoutMs: number
}

/** Progress when the rendering is done and the upload begins. */
export const UPLOAD_FROM = 95

/** A handler for the endpoint's workers. */
export function createHandler(options: HandlerOptions): Handler {
  return async (job) => {
    let input: ExportInput
    try {
      input = parseInput(job.input)
    } catch (error) {
      // Without a readable input there is nobody to report to; RunPod's FAILED is all there is.
      const { message, code } = toFailure(error)
      return { error: message, code, should_retry: false }
    }
    return work(job, input, options)
  }
}

async function work(job: WorkerJob, input: ExportInput, options: HandlerOptions): Promise<unknown> {
  const { clock, log } = options
  const own = new AbortController()
  const signal = AbortSignal.any([job.signal, own.signal])
  const reports = new Reports({
    callbackUrl: input.callback_url,
    token: input.callback_token,
    runpodJobId: job.id,
    clock,
    log,
    signal,
    faults: job.faults,
    onCancel(why) {
      if (job.faults().cancel === 'ignore') return
      log('worker.told_to_stop', { runpod_job: job.id, why })
      own.abort(new Error(why))
    },
    minIntervalMs: options.reportIntervalMs,
    heartbeatMs: options.heartbeatMs,
    backoffMs: options.backoffMs,
    timeoutMs: options.requestTimeoutMs,
  })
  const sabotage = new Sabotage({ job, reports, clock, signal, stop: (reason) => own.abort(reason) })
  const progress = (next: Progress) => {
    // Before the report, which may go out at once: a worker that falls silent at 40 percent does not say 40.
    sabotage.at(Math.floor(next.percent))
    job.update({ progress: reports.progress(next), stage: next.stage })
  }
  let dir: string | null = null
  try {
    await mkdir(options.dir, { recursive: true })
    dir = await mkdtemp(join(options.dir, 'job-'))
    progress({ percent: 0, stage: 'downloading' })
    sabotage.mayFail()
    const warnings: string[] = []
    const warn = (note: string) => warnings.push(note)
    const flush = () => reports.flush()
    const path = await options.render({ input, job, dir, signal, progress, flush, warn })
    await sabotage.awake()
    signal.throwIfAborted()
    progress({ percent: UPLOAD_FROM, stage: 'uploading' })
    await storeResult(path, input.output, {
      clock,
      signal,
      backoffMs: options.backoffMs,
      onFraction: (done) => progress({ percent: UPLOAD_FROM + done * 4, stage: 'uploading' }),
    })
    await sabotage.awake()
    signal.throwIfAborted()
    await reports.complete(input.output.video_key, warnings)
    job.signal.throwIfAborted()
    return { output_video_key: input.output.video_key, ...(warnings.length > 0 && { warnings }) }
  } catch (error) {
    const reason: unknown = signal.aborted ? signal.reason : error
    if (reason instanceof WorkerLost) throw reason
    if (signal.aborted)
      return { error: `Stopped: ${reason instanceof Error ? reason.message : 'no reason given'}` }
    const failure = toFailure(error)
    log('job.failed', { runpod_job: job.id, job: input.job_id, code: failure.code, error: failure.message })
    await sabotage.awake()
    await reports.error(failure)
    return { error: failure.message, code: failure.code, should_retry: failure.shouldRetry }
  } finally {
    await reports.close()
    if (dir !== null) await rm(dir, { recursive: true, force: true, maxRetries: 3 })
  }
}

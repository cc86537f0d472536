/**
 * The worker's handler: from a job's input to a stored result, with reports to the service. The `render` step turns the
 * input into a file; everything else is shared by the real worker and the one for benchmarks. The job's directory is
 * removed in every case.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import { WorkerLost } from '../outcome.ts'
import type { Handler, WorkerJob } from '../workers.ts'
import { toFailure } from './failure.ts'
import { type ExportInput, parseInput } from './input.ts'
import { storePoster } from './poster.ts'
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
  /** Adds a sentence about a correct result that lacks something. */
  warn(note: string): void
  /** Sends the newest progress now. */
  flush(): Promise<void>
}

export interface Rendered {
  /** The file of the result. */
  path: string
  /** Creates a still image of it as JPEG and returns the path of its file. */
  poster?(signal: AbortSignal): Promise<string>
}

/** Creates the result. Throws a `JobFailure`, or the reason of the signal. */
export type Render = (context: RenderContext) => Promise<Rendered>

export interface HandlerOptions {
  render: Render
  /** The parent of the jobs' directories. */
  dir: string
  clock: Clock
  log: Log
  /** Minimum time between two progress reports, ms. */
  reportIntervalMs: number
  heartbeatMs: number
  backoffMs: readonly number[]
  requestTimeoutMs: number
}

/** Progress when rendering has ended and the upload begins. */
export const UPLOAD_FROM = 95

/** A handler for the endpoint's workers. */
export function createHandler(options: HandlerOptions): Handler {
  return async (job) => {
    let input: ExportInput
    try {
      input = parseInput(job.input)
    } catch (error) {
      // Without a readable input the service cannot be reached; only RunPod's FAILED reports the job.
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
    lineUrl: input.line_url,
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
    // Before the report, which may be sent at once: a worker that stalls at 40 percent does not report 40.
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
    const rendered = await options.render({ input, job, dir, signal, progress, flush, warn })
    await sabotage.awake()
    signal.throwIfAborted()
    progress({ percent: UPLOAD_FROM, stage: 'uploading' })
    await storeResult(rendered.path, input.output, {
      clock,
      signal,
      backoffMs: options.backoffMs,
      onFraction: (done) => progress({ percent: UPLOAD_FROM + done * 4, stage: 'uploading' }),
    })
    const { video_key, poster_put_url } = input.output
    const { poster: make } = rendered
    const how = { clock, signal, log, backoffMs: options.backoffMs }
    const isWanted = make !== undefined && poster_put_url !== undefined
    const poster = isWanted && (await storePoster(make, poster_put_url, how))
    await sabotage.awake()
    signal.throwIfAborted()
    await reports.complete(video_key, warnings, poster)
    job.signal.throwIfAborted()
    return {
      output_video_key: video_key,
      ...(poster && { poster }),
      ...(warnings.length > 0 && { warnings }),
    }
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

/**
 * What the worker tells the service while it works. Progress is best effort: never two reports at once, not
 * more often than every `minIntervalMs`, only the newest counts, it never falls, and 99 is the most that is said
 * before the result is stored. Without news the last one is repeated every `heartbeatMs`, since silence reads as
 * death. Completion and error are tried again while the service cannot take them. Any answer may say
 * `{"cancel": true}`; 404 and 410 mean the same, the job is gone.
 */
import { type Clock, pause } from '../clock.ts'
import type { FaultSet } from '../faults.ts'
import { isObject, type JsonObject } from '../job.ts'
import type { Log } from '../log.ts'
import type { JobFailure } from './failure.ts'

export type Stage = 'downloading' | 'rendering' | 'uploading'

export interface Progress {
  /** 0 to 100; rounded down to a whole number. */
  percent: number
  stage: Stage
  message?: string
  etaSeconds?: number
}

export interface ReportOptions {
  callbackUrl: string
  token: string
  runpodJobId: string
  clock: Clock
  log: Log
  faults: () => FaultSet
  /** Called when an answer says that the work is not wanted any more. */
  onCancel: (why: string) => void
  /** Aborts when the worker is stopped: nothing is sent any more. */
  signal: AbortSignal
  minIntervalMs: number
  heartbeatMs: number
  /** Waits between the tries of a completion or an error; one try more than there are waits. */
  backoffMs: readonly number[]
  timeoutMs: number
}

const CEILING = 99

export class Reports {
  readonly #options: ReportOptions
  #latest: Progress | null = null
  #sent: Progress | null = null
  #sentAt = Number.NEGATIVE_INFINITY
  #sending: Promise<void> = Promise.resolve()
  #busy = false
  #muted = false
  #closed = false
  #cancelTimer: () => void = () => {}

  constructor(options: ReportOptions) {
    this.#options = options
  }

  /** Notes the newest progress and sends it when its time has come. Answers what will be said. */
  progress(next: Progress): number {
    const percent = Math.min(CEILING, Math.max(Math.floor(next.percent), this.#latest?.percent ?? 0))
    this.#latest = { ...next, percent }
    this.#schedule()
    return percent
  }

  /** Sends what is still unsent, without regard to the interval, and resolves when it is out. */
  async flush(): Promise<void> {
    await this.#sending
    if (this.#isNews()) this.#send()
    await this.#sending
  }

  /** A worker that went silent: nothing is sent until `unmute`. */
  mute(): void {
    this.#muted = true
  }

  unmute(): void {
    this.#muted = false
    this.#schedule()
  }

  /** Tells that the output is stored, and what it lacks. Rejects with nothing: what cannot be told is logged. */
  async complete(videoKey: string, warnings: readonly string[] = []): Promise<void> {
    const message = warnings.length > 0 ? { message: warnings.join(' ') } : {}
    const body = { output_video_key: videoKey, ...message }
    await this.#final('complete', body, this.#options.faults().drop_complete)
  }

  /** Tells that the attempt failed. */
  async error(failure: JobFailure): Promise<void> {
    const body = { error: failure.message, should_retry: failure.shouldRetry, code: failure.code }
    await this.#final('error', body, this.#options.faults().drop_error)
  }

  /** Drops what is unsent and resolves when nothing is under way. */
  async close(): Promise<void> {
    this.#closed = true
    this.#cancelTimer()
    await this.#sending
  }

  #isNews(): boolean {
    const [next, last] = [this.#latest, this.#sent]
    return next !== null && (next.percent !== last?.percent || next.stage !== last.stage)
  }

  #schedule(): void {
    this.#cancelTimer()
    if (this.#closed || this.#busy || this.#muted || this.#latest === null) return
    const { clock, minIntervalMs, heartbeatMs } = this.#options
    const due = this.#sentAt + (this.#isNews() ? minIntervalMs : heartbeatMs)
    const wait = due - clock.now()
    if (wait <= 0) this.#send()
    else this.#cancelTimer = clock.after(wait, () => this.#send())
  }

  #send(): void {
    const next = this.#latest
    if (next === null || this.#closed || this.#busy || this.#muted) return
    this.#sent = next
    this.#sentAt = this.#options.clock.now()
    if (this.#options.faults().drop_progress) return this.#schedule()
    this.#busy = true
    this.#sending = this.#post('progress', {
      progress: next.percent,
      stage: next.stage,
      ...(next.message !== undefined && { message: next.message }),
      ...(next.etaSeconds !== undefined && { eta_seconds: Math.max(0, Math.round(next.etaSeconds)) }),
    }).then(() => {
      this.#busy = false
      this.#schedule()
    })
  }

  async #final(kind: 'complete' | 'error', body: JsonObject, dropped: boolean | undefined): Promise<void> {
    await this.close()
    const { log, clock, backoffMs, signal, runpodJobId } = this.#options
    if (dropped) return log('report.dropped', { runpod_job: runpodJobId, kind, by: 'fault switch' })
    for (const wait of [...backoffMs, null]) {
      if (signal.aborted) return
      const answer = await this.#post(kind, body)
      log('report.sent', { runpod_job: runpodJobId, kind, answer })
      const passing = typeof answer === 'string' || answer >= 500 || answer === 429
      if (!passing) return
      if (wait !== null) await pause(clock, wait, signal)
    }
    log('report.given_up', { runpod_job: runpodJobId, kind })
  }

  /** One POST; answers its status, or why there was none. */
  async #post(kind: string, body: JsonObject): Promise<number | string> {
    const { callbackUrl, token, runpodJobId, signal, timeoutMs } = this.#options
    try {
      const answer = await fetch(`${callbackUrl}/${kind}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ ...body, runpod_job_id: runpodJobId }, (_, value) =>
          typeof value === 'string' ? value.toWellFormed() : value,
        ),
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      })
      const told: unknown = await answer.json().catch(() => null)
      const gone = answer.status === 404 || answer.status === 410
      if (gone || (isObject(told) && told.cancel === true)) {
        this.#options.onCancel(gone ? `the job is gone (${answer.status})` : 'the service asked to stop')
      }
      return answer.status
    } catch (error) {
      return error instanceof Error ? error.message : 'unknown error'
    }
  }
}

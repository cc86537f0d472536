/**
 * The worker's reports to the service. Progress is best effort: one report at a time, at most one per `minIntervalMs`,
 * only the newest is sent, it does not decrease, and it stays below 100 until the result is stored. Without news the
 * last one is repeated every `heartbeatMs`, since after a minute of silence the service polls RunPod. Completion and
 * error are retried while the service cannot accept them. Any answer may contain `{"cancel": true}`; 404 and 410 mean
 * the same, since the job is gone.
 *
 * With a line each report is sent over it with a number, or posted with the same number when the line is down.
 */
import { randomUUID } from 'node:crypto'

import { type Clock, pause } from '../clock.ts'
import type { FaultSet } from '../faults.ts'
import { isObject, type JsonObject } from '../job.ts'
import type { Log } from '../log.ts'
import type { JobFailure } from './failure.ts'
import { jsonOf } from './json-of.ts'
import { Line } from './line.ts'
import { USER_AGENT } from './user-agent.ts'

export type Stage = 'downloading' | 'rendering' | 'uploading'

export interface Progress {
  /** 0 to 100; rounded down to an integer. */
  percent: number
  stage: Stage
  message?: string
  etaSeconds?: number
}

export interface ReportOptions {
  callbackUrl: string
  /** URL of a WebSocket for reports; undefined where the service has none. */
  lineUrl?: string | undefined
  token: string
  runpodJobId: string
  clock: Clock
  log: Log
  faults: () => FaultSet
  /** Called when an answer shows that the work is not needed any more. */
  onCancel: (why: string) => void
  /** Aborts when the worker is stopped: nothing is sent after that. */
  signal: AbortSignal
  minIntervalMs: number
  heartbeatMs: number
  /** Pauses between the tries of a completion or an error; there is one more try than pauses. */
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
  readonly #instance = randomUUID()
  readonly #line: Line | null
  #n = 0

  constructor(options: ReportOptions) {
    this.#options = options
    const { lineUrl: url, token, runpodJobId, clock, log, faults, onCancel: onStop, signal } = options
    const instance = this.#instance
    this.#line =
      url === undefined ? null : new Line({ url, token, runpodJobId, instance, clock, log, faults, onStop })
    signal.addEventListener('abort', () => this.#line?.close(), { once: true })
  }

  /** Records the newest progress and sends it when due. Returns the percentage to be reported. */
  progress(next: Progress): number {
    const percent = Math.min(CEILING, Math.max(Math.floor(next.percent), this.#latest?.percent ?? 0))
    this.#latest = { ...next, percent }
    this.#schedule()
    return percent
  }

  /** Sends pending progress regardless of the interval, and resolves when it was sent. */
  async flush(): Promise<void> {
    await this.#sending
    if (this.#isNews()) this.#send()
    await this.#sending
  }

  /** Simulates a silent worker: nothing is sent until `unmute`. */
  mute(): void {
    this.#muted = true
  }

  unmute(): void {
    this.#muted = false
    this.#schedule()
  }

  /** Reports the stored output, whether it has a `poster`, and what it lacks. Never rejects: failures are logged. */
  async complete(videoKey: string, warnings: readonly string[] = [], poster = false): Promise<void> {
    const message = warnings.length > 0 ? { message: warnings.join(' ') } : {}
    const body = { output_video_key: videoKey, ...message, ...(poster && { poster }) }
    await this.#final('complete', body, this.#options.faults().drop_complete)
  }

  /** Reports that the attempt failed. */
  async error(failure: JobFailure): Promise<void> {
    const body = { error: failure.message, should_retry: failure.shouldRetry, code: failure.code }
    await this.#final('error', body, this.#options.faults().drop_error)
  }

  /** Drops pending progress and resolves when no request is in progress. */
  async close(): Promise<void> {
    await this.#quiet()
    this.#line?.close()
  }

  async #quiet(): Promise<void> {
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
    const isNews = this.#isNews()
    this.#sent = next
    this.#sentAt = this.#options.clock.now()
    if (this.#options.faults().drop_progress) return this.#schedule()
    if (!isNews && this.#line?.isOpen) {
      this.#line.ping()
      return this.#schedule()
    }
    const report = this.#numbered({
      progress: next.percent,
      stage: next.stage,
      ...(next.message !== undefined && { message: next.message }),
      ...(next.etaSeconds !== undefined && { eta_seconds: Math.max(0, Math.round(next.etaSeconds)) }),
    })
    if (this.#line?.say({ type: 'progress', ...report })) return this.#schedule()
    this.#busy = true
    this.#sending = this.#post('progress', report).then(() => {
      this.#busy = false
      this.#schedule()
    })
  }

  async #final(kind: 'complete' | 'error', body: JsonObject, dropped: boolean | undefined): Promise<void> {
    await this.#quiet()
    const { log, clock, backoffMs, signal, runpodJobId } = this.#options
    if (dropped) return log('report.dropped', { runpod_job: runpodJobId, kind, by: 'fault switch' })
    const report = this.#numbered(body)
    if (signal.aborted) return
    if (this.#line && (await this.#line.sayEnd({ type: kind, ...report, n: this.#n }))) {
      return log('report.sent', { runpod_job: runpodJobId, kind, answer: 'ack' })
    }
    for (const wait of [...backoffMs, null]) {
      if (signal.aborted) return
      const answer = await this.#post(kind, report)
      log('report.sent', { runpod_job: runpodJobId, kind, answer })
      const passing = typeof answer === 'string' || answer >= 500 || answer === 429
      if (!passing) return
      if (wait !== null) await pause(clock, wait, signal)
    }
    log('report.given_up', { runpod_job: runpodJobId, kind })
  }

  /** The next report, with a number where the service has a line. */
  #numbered(body: JsonObject): JsonObject {
    const { runpodJobId: runpod_job_id } = this.#options
    if (!this.#line) return { ...body, runpod_job_id }
    this.#n += 1
    return { ...body, runpod_job_id, n: this.#n, instance: this.#instance }
  }

  /** One POST; resolves with its status, or with why there was none. */
  async #post(kind: string, body: JsonObject): Promise<number | string> {
    const { callbackUrl, token, signal, timeoutMs } = this.#options
    try {
      const answer = await fetch(`${callbackUrl}/${kind}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'user-agent': USER_AGENT,
        },
        body: jsonOf(body),
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      })
      const reply: unknown = await answer.json().catch(() => null)
      const gone = answer.status === 404 || answer.status === 410
      if (gone || (isObject(reply) && reply.cancel === true)) {
        this.#options.onCancel(gone ? `the job is gone (${answer.status})` : 'the service asked to stop')
      }
      return answer.status
    } catch (error) {
      return error instanceof Error ? error.message : 'unknown error'
    }
  }
}

/** The fault switches of the worker itself: stall, crash, fail. One object per run of a job. */
import { type Clock, pause } from '../clock.ts'
import { WorkerLost } from '../outcome.ts'
import type { WorkerJob } from '../workers.ts'
import { JobFailure } from './failure.ts'
import type { Reports } from './reports.ts'

export interface SabotageOptions {
  job: WorkerJob
  reports: Reports
  clock: Clock
  /** Aborts when the worker is stopped, for whatever reason. */
  signal: AbortSignal
  /** Stops the worker from within. */
  stop: (reason: Error) => void
}

export class Sabotage {
  readonly #options: SabotageOptions
  /** Resolves when a stall is over; never rejects. */
  #silence: Promise<void> | null = null

  constructor(options: SabotageOptions) {
    this.#options = options
  }

  /** Called with each progress value: crashes or stalls when it is reached. */
  at(percent: number): void {
    const { job, reports, clock, signal, stop } = this.#options
    const { crash, stall } = job.faults()
    const dies = crash !== undefined && percent >= (crash.at_progress ?? 0) && !signal.aborted
    if (dies && job.spend('crash', crash.times)) {
      reports.mute()
      stop(new WorkerLost(`fault switch: crashed at ${percent} percent`))
    }
    const stalls = stall !== undefined && percent >= (stall.at_progress ?? 0) && this.#silence === null
    if (stalls && job.spend('stall', stall.times)) {
      reports.mute()
      const over = stall.ms === undefined ? aborted(signal) : pause(clock, stall.ms, signal)
      this.#silence = over.then(() => {
        if (!signal.aborted) reports.unmute()
      })
    }
  }

  /** Throws while the switch `fail` has a failure left for this job. */
  mayFail(): void {
    const { job } = this.#options
    const { fail } = job.faults()
    if (fail === undefined || !job.spend('fail', fail.times)) return
    const message = fail.message ?? 'Failed on purpose, by a fault switch.'
    throw new JobFailure(fail.code ?? 'worker_error', message, fail.should_retry ?? true)
  }

  /** Resolves when no stall is active, or the worker is stopped: its later reports are not sent. */
  async awake(): Promise<void> {
    await this.#silence
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

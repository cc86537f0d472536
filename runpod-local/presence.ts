/**
 * Detects whether the main process of an attached worker is alive. Pings do not show it: RunPod's SDK sends them from a
 * separate process, which survives a SIGKILL of the worker (rp_ping.py). The long polls come from the main process, so
 * a worker that broke off its last one and neither polls nor posts for `lostWorkerMs` counts as gone.
 */
import type { Clock } from './clock.ts'

export interface PresenceOptions {
  clock: Clock
  lostWorkerMs: number
  /** Called when a worker counts as gone. */
  onGone(workerId: string): void
}

export class Presence {
  readonly #options: PresenceOptions
  /** Number of open polls by worker; no entry for none. */
  readonly #open = new Map<string, number>()
  /** Functions that cancel the timer of a worker that broke off its last poll. */
  readonly #doubts = new Map<string, () => void>()

  constructor(options: PresenceOptions) {
    this.#options = options
  }

  /** Records the start of a poll. */
  began(workerId: string): void {
    this.seen(workerId)
    this.#open.set(workerId, (this.#open.get(workerId) ?? 0) + 1)
  }

  /** Records the end of a poll, with or without an answer. */
  ended(workerId: string): void {
    const left = (this.#open.get(workerId) ?? 0) - 1
    if (left > 0) this.#open.set(workerId, left)
    else this.#open.delete(workerId)
  }

  /** Records that the worker had broken off an ended poll. */
  brokeOff(workerId: string): void {
    if (this.#open.has(workerId)) return
    const { clock, lostWorkerMs, onGone } = this.#options
    this.seen(workerId)
    const doubt = clock.after(lostWorkerMs, () => {
      this.#doubts.delete(workerId)
      onGone(workerId)
    })
    this.#doubts.set(workerId, doubt)
  }

  /** Records an activity of the main process. */
  seen(workerId: string): void {
    this.#doubts.get(workerId)?.()
    this.#doubts.delete(workerId)
  }

  /** Cancels every timer. */
  close(): void {
    for (const workerId of [...this.#doubts.keys()]) this.seen(workerId)
  }
}

/** The endpoint's source of time, replaced by tests so that half an hour takes a microsecond. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /**
   * Calls `run` once after `ms` milliseconds, of any length; never when not finite. Returns a function that cancels it.
   */
  after(ms: number, run: () => void): () => void
}

/** Below 2^31-1, the longest delay of `setTimeout`; a longer one would fire at once. */
const SLICE_MS = 2 ** 30

/** The system clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    let timer: NodeJS.Timeout | undefined
    const wait = (left: number) => {
      timer = setTimeout(() => (left > SLICE_MS ? wait(left - SLICE_MS) : run()), Math.min(left, SLICE_MS))
    }
    if (Number.isFinite(ms)) wait(Math.max(0, ms))
    return () => clearTimeout(timer)
  },
}

/** Resolves after `ms` milliseconds, or at once when `signal` aborts; never rejects. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const end = () => {
      cancel()
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const cancel = clock.after(ms, end)
    signal?.addEventListener('abort', end)
  })
}

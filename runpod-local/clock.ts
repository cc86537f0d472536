/** Where the endpoint gets its time from, so that tests can move half an hour in a microsecond. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Calls `run` once after `ms` milliseconds, however many; never where they are not finite. The answer takes it back. */
  after(ms: number, run: () => void): () => void
}

/** Below 2^31-1, the longest delay that `setTimeout` takes; a longer one would fire at once. */
const SLICE_MS = 2 ** 30

/** The computer's own clock. */
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

/** Runs work with a time limit. */
import type { Clock } from '../clock.ts'

export interface TimeLimit {
  clock: Clock
  signal: AbortSignal
  ms: number
}

/**
 * Runs `work`, whose signal aborts at the time limit; `late` is then thrown after the work has ended. Throws the reason
 * of `signal` when that aborts.
 */
export async function within<T>(
  { clock, signal, ms }: TimeLimit,
  late: (seconds: number) => Error,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const own = new AbortController()
  const cancel = clock.after(ms, () => own.abort(late(ms / 1_000)))
  const either = AbortSignal.any([signal, own.signal])
  try {
    either.throwIfAborted()
    return await work(either)
  } catch (error) {
    either.throwIfAborted()
    throw error
  } finally {
    cancel()
  }
}

/** Rejects with the reason of `signal` when it aborts: for work that takes no signal. */
export function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

/** All waits of the client in one place, so that tests can shorten them and a signal can abort them. */

export interface Timings {
  /** Limit of one HTTP request, without the time that the server was asked to wait. */
  requestTimeoutMs: number
  /** Pause before the first repeat of a request; doubles each time, with jitter. */
  retryBaseMs: number
  /** An upload without any progress or answer for this long counts as disconnected. */
  uploadStallMs: number
  /** A longer Retry-After is not waited for; its error is passed to the caller. */
  maxRetryAfterMs: number
  pingIntervalMs: number
  /** Without an answer to a ping for this long, the socket counts as dead, whatever its state in the browser. */
  pongTimeoutMs: number
  connectTimeoutMs: number
  minReconnectMs: number
  maxReconnectMs: number
  /** Consecutive failed connections before polling starts. */
  socketFailures: number
  /** How long to poll before a socket is tried again. */
  socketRetryMs: number
  /** How long the server is asked to hold a poll. */
  pollWaitMs: number
  /** Minimum time between the starts of two polls, even if the server does not hold them. */
  pollIntervalMs: number
}

export const defaultTimings: Timings = {
  requestTimeoutMs: 30_000,
  retryBaseMs: 250,
  // Longer than a slow connection needs to send everything in its own buffers.
  uploadStallMs: 180_000,
  maxRetryAfterMs: 60_000,
  pingIntervalMs: 20_000,
  pongTimeoutMs: 5_000,
  connectTimeoutMs: 5_000,
  minReconnectMs: 250,
  maxReconnectMs: 10_000,
  socketFailures: 3,
  socketRetryMs: 60_000,
  pollWaitMs: 30_000,
  pollIntervalMs: 2_000,
}

/**
 * The defaults, overridden by `given`. Infinity disables a limit.
 *
 * @throws TypeError for a value that is no number, or below 0: a timer would fire at once
 */
export function timingsOf(given: Partial<Timings> = {}): Timings {
  const timings = { ...defaultTimings }
  for (const name of Object.keys(timings) as (keyof Timings)[]) {
    const { [name]: value = timings[name] } = given
    if (!(value >= 0)) throw new TypeError(`timings.${name} must be a number, 0 or more, and is ${value}`)
    timings[name] = value
  }
  return timings
}

/** Below 2^31-1, the longest delay of a timer; a longer one fires at once. */
const SLICE_MS = 2 ** 30

/**
 * Calls `act` once after `ms`, of any length; at once for a negative value, never for one that is not finite. Returns
 * the function that stops it. This is the only timer of the client and its pages whose delay is not a constant.
 */
export function callAfter(ms: number, act: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  const wait = (left: number) => {
    timer = setTimeout(() => (left > SLICE_MS ? wait(left - SLICE_MS) : act()), Math.min(left, SLICE_MS))
  }
  if (Number.isFinite(ms)) wait(Math.max(0, ms))
  return () => clearTimeout(timer)
}

/**
 * Calls `act` whenever a browser comes back online, for example after a sleep; never in other runtimes. Returns the
 * function that stops it.
 */
export function onOnline(act: () => void): () => void {
  globalThis.addEventListener?.('online', act)
  return () => globalThis.removeEventListener?.('online', act)
}

/**
 * Resolves after `ms`, as in `callAfter`, or as soon as `early` calls its callback; rejects with the signal's reason
 * when that is aborted. `early` returns the function that stops it.
 */
export function sleep(
  ms: number,
  signal?: AbortSignal,
  early?: (wake: () => void) => () => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const end = (settle: () => void) => () => {
      stopTimer()
      signal?.removeEventListener('abort', abort)
      stopEarly?.()
      settle()
    }
    const wake = end(resolve)
    const abort = end(() => reject(signal?.reason))
    const stopTimer = callAfter(ms, wake)
    const stopEarly = early?.(wake)
    signal?.addEventListener('abort', abort)
  })
}

/**
 * Resolves with the result of `act`; rejects with the reason after `ms`, or when `signal` is aborted, even if `act`
 * ignores the signal it is given. The timer is always cleared: a remaining one would keep a process or an actor awake.
 */
export async function within<T>(
  ms: number,
  signal: AbortSignal | undefined,
  act: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted()
  const limit = new AbortController()
  const abort = () => limit.abort(signal?.reason)
  signal?.addEventListener('abort', abort)
  const stopTimer = callAfter(ms, () => limit.abort(new Error('Timed out')))
  try {
    return await new Promise<T>((resolve, reject) => {
      limit.signal.addEventListener('abort', () => reject(limit.signal.reason))
      act(limit.signal).then(resolve, reject)
    })
  } finally {
    stopTimer()
    signal?.removeEventListener('abort', abort)
  }
}

/**
 * The pause before repeat number `tried`: doubles each time, half of it random, so that clients do not return all at
 * once.
 */
export function backoff(baseMs: number, tried: number): number {
  return baseMs * 2 ** Math.min(tried - 1, 6) * (0.5 + Math.random() / 2)
}

/** Every wait of the client, in one place, so that tests can shorten them and a signal can end them. */

export interface Timings {
  /** One HTTP request, without the time it was asked to wait. */
  requestTimeoutMs: number
  /** First pause before a request is repeated; doubles each time, with jitter. */
  retryBaseMs: number
  /** An upload of which nothing more goes out and no answer comes for this long is on a dead line. */
  uploadStallMs: number
  /** A Retry-After beyond this is handed to the caller as the error it came with. */
  maxRetryAfterMs: number
  pingIntervalMs: number
  /** Silence after a ping that means: the socket is dead, whatever the browser says. */
  pongTimeoutMs: number
  connectTimeoutMs: number
  minReconnectMs: number
  maxReconnectMs: number
  /** Failed dials in a row before polling takes over. */
  socketFailures: number
  /** How long polling goes on before a socket is tried again. */
  socketRetryMs: number
  /** How long the server is asked to hold a poll. */
  pollWaitMs: number
  /** Two polls start at least this far apart, also against a server that does not hold them. */
  pollIntervalMs: number
}

export const defaultTimings: Timings = {
  requestTimeoutMs: 30_000,
  retryBaseMs: 250,
  // Longer than what a slow line takes for all that its own buffers hold.
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
 * The defaults, with what the caller gave in their place. Infinity is no limit.
 *
 * @throws TypeError for one that is no number, or below 0: a timer would take it for "at once"
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

/** Below 2^31-1, the longest delay that a timer takes; above it fires at once. */
const SLICE_MS = 2 ** 30

/**
 * Calls `act` once after `ms`, however long that is; at once where it is negative, and never where it is not finite.
 * Returns the stop. The only timer of the client and of its pages whose delay is not a constant.
 */
export function callAfter(ms: number, act: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  const wait = (left: number) => {
    timer = setTimeout(() => (left > SLICE_MS ? wait(left - SLICE_MS) : act()), Math.min(left, SLICE_MS))
  }
  if (Number.isFinite(ms)) wait(Math.max(0, ms))
  return () => clearTimeout(timer)
}

/** Calls back whenever a browser finds itself online again, as after a sleep; elsewhere never. Returns the stop. */
export function onOnline(act: () => void): () => void {
  globalThis.addEventListener?.('online', act)
  return () => globalThis.removeEventListener?.('online', act)
}

/**
 * Resolves after `ms`, as `callAfter` counts them, or as soon as `early` calls back; rejects with the signal's reason as
 * soon as it is aborted. `early` returns its stop.
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
 * What `act` resolves with, within `ms`; when the time is up, or `signal` is aborted, it rejects with the reason, even
 * where `act` does not heed the signal that it is given. The timer is always cleared: one that outlived the answer
 * would keep a process or an actor awake.
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

/** Pause before repeat `tried`: doubles, half of it random, so that many clients do not come back as one. */
export function backoff(baseMs: number, tried: number): number {
  return baseMs * 2 ** Math.min(tried - 1, 6) * (0.5 + Math.random() / 2)
}

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

/** Calls back whenever a browser finds itself online again, as after a sleep; elsewhere never. Returns the stop. */
export function onOnline(act: () => void): () => void {
  globalThis.addEventListener?.('online', act)
  return () => globalThis.removeEventListener?.('online', act)
}

/**
 * Resolves after `ms`, or as soon as `early` calls back; rejects with the signal's reason as soon as it is aborted.
 * `early` returns its stop.
 */
export function sleep(
  ms: number,
  signal?: AbortSignal,
  early?: (wake: () => void) => () => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const end = (settle: () => void) => () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      stop?.()
      settle()
    }
    const wake = end(resolve)
    const abort = end(() => reject(signal?.reason))
    const timer = setTimeout(wake, ms)
    const stop = early?.(wake)
    signal?.addEventListener('abort', abort)
  })
}

/** Pause before repeat `tried`: doubles, half of it random, so that many clients do not come back as one. */
export function backoff(baseMs: number, tried: number): number {
  return baseMs * 2 ** Math.min(tried - 1, 6) * (0.5 + Math.random() / 2)
}

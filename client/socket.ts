/**
 * One connection to a job's socket, which knows when it is dead: a browser says OPEN of a half-open socket for minutes.
 * Dialling again is its caller's.
 */
import type { WebSocketLike } from './http.ts'
import { callAfter, type Timings } from './time.ts'

/** The server closed it for good: 1000, or one of the application's own codes. */
export interface FinalClose {
  code: number
  reason: string
}

/**
 * Dials, and hands every message to `read`, which answers for how many milliseconds of silence the line is still wanted:
 * Infinity as a rule; 0 hangs up at once, without the transport's closing handshake.
 *
 * @returns the server's close where it was final; null where the line was lost, by a failed dial, an error, silence, or
 *   any other close, and where `read` had it hung up
 * @throws the signal's reason
 */
export function converse(
  WebSocket: WebSocketLike,
  url: string,
  timings: Timings,
  signal: AbortSignal,
  read: (text: string) => number,
): Promise<FinalClose | null> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    let over = false
    let socket: globalThis.WebSocket | undefined
    let stopTimer = () => {}
    const end = (settle: () => void) => {
      if (over) return
      over = true
      stopTimer()
      signal.removeEventListener('abort', abort)
      // Its listeners stay: `ws` says of a dial that is given up that it failed, and crashes where nobody listens.
      attempt(() => socket?.close())
      settle()
    }
    const lose = () => end(() => resolve(null))
    const abort = () => end(() => reject(signal.reason))
    /** What the caller's socket throws is a lost line, and so is a message that cannot be read. */
    const attempt = (act: () => void) => {
      try {
        act()
      } catch {
        lose()
      }
    }
    const arm = (ms: number, act: () => void) => {
      stopTimer()
      if (!over) stopTimer = callAfter(ms, act)
    }
    /** Anything heard proves the line; only silence is worth a ping. */
    const alive = () =>
      arm(timings.pingIntervalMs, () => {
        arm(timings.pongTimeoutMs, lose)
        attempt(() => socket?.send('ping'))
      })

    signal.addEventListener('abort', abort)
    arm(timings.connectTimeoutMs, lose)
    attempt(() => {
      socket = new WebSocket(url) as globalThis.WebSocket
      // The runtime answers pings by itself: only a first message proves that the job is there.
      socket.addEventListener('open', () => arm(timings.connectTimeoutMs, lose))
      socket.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
        if (over || typeof data !== 'string') return
        alive()
        attempt(() => {
          const wantedMs = data === 'pong' ? Number.POSITIVE_INFINITY : read(data)
          if (wantedMs === 0) lose()
          else if (wantedMs < timings.pingIntervalMs) arm(wantedMs, lose)
        })
      })
      socket.addEventListener('error', lose)
      socket.addEventListener('close', ({ code, reason }) => {
        if (code === 1000 || code >= 4000) end(() => resolve({ code, reason }))
        else lose()
      })
    })
  })
}

/**
 * One connection to a job's socket, with detection of dead connections: a browser reports a half-open socket as OPEN
 * for minutes. The caller is responsible for reconnecting.
 */
import type { SocketAddress, WebSocketLike } from './http.ts'
import { callAfter, type Timings } from './time.ts'

/** Closes after which another connection cannot help: at the end, and by a refusal. */
const FINAL = [1000, 4401, 4403, 4404]

/** A final close by the server. */
export interface FinalClose {
  code: number
  reason: string
}

/**
 * Connects, and passes every message to `read`, which returns how many milliseconds of silence to wait for the next
 * one: usually Infinity; 0 closes at once, without waiting for the closing handshake.
 *
 * @returns the server's close when it was final; null when the connection was lost by failure, error, silence or any
 *   other close, and when `read` ended it
 * @throws the signal's reason
 */
export function converse(
  WebSocket: WebSocketLike,
  { url, protocols }: SocketAddress,
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
      // The listeners stay: `ws` emits an error for an abandoned connection, which crashes the process if unhandled.
      attempt(() => socket?.close())
      settle()
    }
    const lose = () => end(() => resolve(null))
    const abort = () => end(() => reject(signal.reason))
    /** An exception of the socket, or of reading a message, counts as a lost connection. */
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
    /** Any message proves that the connection is alive; a ping is sent only after silence. */
    const alive = () =>
      arm(timings.pingIntervalMs, () => {
        arm(timings.pongTimeoutMs, lose)
        attempt(() => socket?.send('ping'))
      })

    signal.addEventListener('abort', abort)
    arm(timings.connectTimeoutMs, lose)
    attempt(() => {
      socket = new WebSocket(url, protocols) as globalThis.WebSocket
      // The runtime answers pings itself: only a first message proves that the job exists.
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
        if (FINAL.includes(code)) end(() => resolve({ code, reason }))
        else lose()
      })
    })
  })
}

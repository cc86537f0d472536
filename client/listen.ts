/** The live line of a watch: a WebSocket, resumed after every drop. */
import { pathOf } from './calls.ts'
import { ExportalError } from './errors.ts'
import type { WebSocketLike } from './http.ts'
import { LiveSocket } from './socket.ts'
import { onOnline } from './time.ts'
import type { ServerMessage } from './types.ts'
import type { Line } from './watch.ts'

/**
 * How a socket's time ended. `cut`: the job is known to have ended, but the last lines of its log may be missing.
 * `closed`: for good, though the job has not ended. `unreachable`: too many dials in a row came to nothing. `online`: the
 * browser has its line back, and what an old socket says of itself is worth nothing.
 */
export type Heard = 'ended' | 'cut' | 'closed' | 'unreachable' | 'online'

/** Listens, redialling as needed, and gives up after `patience` dials in a row that came to nothing. */
export function listen(line: Line, WebSocket: WebSocketLike, patience: number): Promise<Heard> {
  const { http, tracker, signal } = line
  return new Promise<Heard>((resolve, reject) => {
    let left = patience
    let ending: ReturnType<typeof setTimeout> | undefined
    line.show('dialling')
    const socket = new LiveSocket(WebSocket, http.timings, {
      url: () => {
        tracker.connected()
        return http.socketUrl(pathOf(line.id, '/ws'), { after: tracker.seq ?? undefined })
      },
      message: (text) => {
        const message = parse(text)
        const taken = message && line.accept(message)
        if (taken === 'gap') {
          // A finished job is not dialled again, not even for its last lines.
          if (ending) end(() => resolve('cut'))
          else socket.redial()
        } else if (taken === 'ended') {
          if (message?.type === 'snapshot') end(() => resolve('ended'))
          // One commit may end a job with several lines, each with the ended job; the close comes after the last.
          else ending ??= setTimeout(() => end(() => resolve('cut')), http.timings.pongTimeoutMs)
        } else if (message?.type === 'snapshot') left = http.timings.socketFailures
      },
      lost: () => {
        left--
        if (ending) end(() => resolve('cut'))
        else if (left <= 0) end(() => resolve('unreachable'))
        else line.show('dialling')
      },
      closed: (code, reason) =>
        end(() => {
          if (code === 1000) resolve(ending ? 'ended' : 'closed')
          else reject(closeError(code, reason))
        }),
    })
    const end = (settle: () => void) => {
      clearTimeout(ending)
      signal.removeEventListener('abort', abort)
      stopOnline()
      socket.close()
      settle()
    }
    const abort = () => end(() => reject(signal.reason))
    signal.addEventListener('abort', abort, { once: true })
    const stopOnline = onOnline(() => end(() => resolve(ending ? 'cut' : 'online')))
  })
}

function parse(text: string): ServerMessage | null {
  try {
    return JSON.parse(text) as ServerMessage
  } catch {
    return null
  }
}

const closeCodes: Record<number, string> = { 401: 'unauthorized', 403: 'forbidden', 404: 'job_not_found' }

/** The application's close codes are HTTP statuses with 4000 added. */
function closeError(code: number, reason: string): ExportalError {
  const status = code - 4000
  return new ExportalError({
    status,
    code: closeCodes[status] ?? 'socket_closed',
    detail: reason || `The service closed the watch with ${code}`,
  })
}

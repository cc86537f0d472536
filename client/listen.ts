/** The WebSocket transport of a watch, resumed after every disconnect. */
import { pathOf } from './calls.ts'
import { ExportalError } from './errors.ts'
import type { WebSocketLike } from './http.ts'
import { converse, type FinalClose } from './socket.ts'
import { backoff, onOnline, sleep } from './time.ts'
import type { ServerMessage } from './types.ts'
import type { Line, Taken } from './watch.ts'

/**
 * How a series of connections ended. `cut`: the job has ended, but the last lines of its log may be missing. `closed`:
 * the server closed for good, but the job has not ended. `unreachable`: too many consecutive connections failed.
 */
export type ListenEnd = 'ended' | 'cut' | 'closed' | 'unreachable'

/** The lines of one commit are sent together: lines that have not arrived by then are read from the log. */
const LAST_LINES_MS = 250

/** A refused token, and the error for it. */
interface Refusal {
  token: string | undefined
  error: ExportalError
}

/**
 * Receives messages, reconnecting as needed, until `patience` consecutive connections have failed.
 *
 * @throws ExportalError when the service refuses the watch. A refusal of the token (4401) is followed by another try
 *   when a different token is available; a second refusal without a snapshot in between ends the watch.
 */
export async function listen(line: Line, WebSocket: WebSocketLike, patience: number): Promise<ListenEnd> {
  const { http, tracker, signal } = line
  const { timings } = http
  let left = patience
  let quickLosses = 0
  let refusal: Refusal | null = null
  line.show('dialling')
  for (;;) {
    signal.throwIfAborted()
    const dialledAt = performance.now()
    let taken = 'going' as Taken
    const read = (text: string) => {
      const message = parse(text)
      if (!message) return Number.POSITIVE_INFINITY
      const next = line.accept(message)
      // After a job has ended there is no reconnect, not even for its last lines.
      if (taken === 'cut' && next === 'gap') return 0
      taken = next
      if (message.type === 'snapshot') {
        left = timings.socketFailures
        refusal = null
      }
      return { going: Number.POSITIVE_INFINITY, cut: LAST_LINES_MS, gap: 0, ended: 0 }[taken]
    }
    const dial = async (turn: AbortSignal) => {
      const token = await http.token(turn)
      if (refusal && refusal.token === token) throw refusal.error
      tracker.connected()
      const address = http.socketTo(pathOf(line.id, '/ws'), { after: tracker.seq ?? undefined }, token)
      const close = await converse(WebSocket, address, timings, turn, read)
      if (close?.code !== 4401) return close
      const error = closeError(close)
      if (refusal || !http.renews) throw error
      refusal = { token, error }
      return null
    }
    const close = await untilOnline(signal, dial).catch((error: unknown) => {
      if (error === online) return online
      signal.throwIfAborted()
      // When the token function fails, the connection counts as failed; after the job's end, so does any refusal.
      if (taken === 'cut' || http.pauseAfter(error, 1, Number.POSITIVE_INFINITY) !== null) return null
      throw error
    })
    // An older service does not mark the last line, but closes with 1000 after it.
    if (taken === 'ended' || (taken === 'cut' && close !== online && close?.code === 1000)) return 'ended'
    if (taken === 'cut') return 'cut'
    if (close === online) {
      // The state of a socket from before is not reliable: start over.
      left = patience
      quickLosses = 0
      line.show('dialling')
      continue
    }
    if (close) {
      if (close.code === 1000) return 'closed'
      throw closeError(close)
    }
    left--
    if (left <= 0) return 'unreachable'
    // After a connection that held, reconnect soon, and at once to fill a gap; after short ones, with growing pauses.
    quickLosses = performance.now() - dialledAt > timings.connectTimeoutMs ? 1 : quickLosses + 1
    line.show('dialling')
    const pauseMs = Math.min(backoff(timings.minReconnectMs, quickLosses), timings.maxReconnectMs)
    await sleep(taken === 'gap' && quickLosses === 1 ? 0 : pauseMs, signal, onOnline)
  }
}

const online = Symbol('online')

/** Aborts `act` and rejects with `online` when the browser comes back online. */
async function untilOnline<T>(signal: AbortSignal, act: (turn: AbortSignal) => Promise<T>): Promise<T> {
  const turn = new AbortController()
  const abort = () => turn.abort(signal.reason)
  signal.addEventListener('abort', abort)
  const stopOnline = onOnline(() => turn.abort(online))
  try {
    return await act(turn.signal)
  } finally {
    stopOnline()
    signal.removeEventListener('abort', abort)
  }
}

/** Null when the text is no message. */
function parse(text: string): ServerMessage | null {
  try {
    return JSON.parse(text) as ServerMessage
  } catch {
    return null
  }
}

const closeCodes: Record<number, string> = { 401: 'unauthorized', 403: 'forbidden', 404: 'job_not_found' }

/** The application's close codes are HTTP statuses plus 4000. */
function closeError({ code, reason }: FinalClose): ExportalError {
  const status = code - 4000
  return new ExportalError({
    status,
    code: closeCodes[status] ?? 'socket_closed',
    detail: reason || `The service closed the watch with ${code}`,
  })
}

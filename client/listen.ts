/** The live line of a watch: a WebSocket, resumed after every drop. */
import { pathOf } from './calls.ts'
import { ExportalError } from './errors.ts'
import type { WebSocketLike } from './http.ts'
import { converse, type FinalClose } from './socket.ts'
import { backoff, onOnline, sleep } from './time.ts'
import type { ServerMessage } from './types.ts'
import type { Line, Taken } from './watch.ts'

/**
 * How a socket's time ended. `cut`: the job is known to have ended, but the last lines of its log may be missing.
 * `closed`: for good, though the job has not ended. `unreachable`: too many dials in a row came to nothing.
 */
export type Heard = 'ended' | 'cut' | 'closed' | 'unreachable'

/** The lines of one commit are sent as one: what has not come by then comes from the log. */
const LAST_LINES_MS = 250

/** A token that was refused, and the service's words for it. */
interface Refusal {
  token: string | undefined
  error: ExportalError
}

/**
 * Listens, redialling as needed, and gives up after `patience` dials in a row that came to nothing.
 *
 * @throws ExportalError when the service refuses the watch. One for its token (4401) is answered with a fresh one, if
 *   there is another, and ends the watch when that is refused before it brought anything.
 */
export async function listen(line: Line, WebSocket: WebSocketLike, patience: number): Promise<Heard> {
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
      // A job that has ended is not dialled again, not even for its last lines.
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
      const url = http.socketUrl(pathOf(line.id, '/ws'), { after: tracker.seq ?? undefined, token })
      const close = await converse(WebSocket, url, timings, turn, read)
      if (close?.code !== 4401) return close
      const error = closeError(close)
      if (refusal || !http.renews) throw error
      refusal = { token, error }
      return null
    }
    const close = await untilOnline(signal, dial).catch((error: unknown) => {
      if (error === online) return online
      signal.throwIfAborted()
      // A token function without an answer is a dial that came to nothing; once the end is known, so is any refusal.
      if (taken === 'cut' || http.pauseAfter(error, 1, Number.POSITIVE_INFINITY) !== null) return null
      throw error
    })
    // An older service closes with 1000 after the last line, without having marked it.
    if (taken === 'ended' || (taken === 'cut' && close !== online && close?.code === 1000)) return 'ended'
    if (taken === 'cut') return 'cut'
    if (close === online) {
      // What an old socket says of itself is worth nothing: begin anew.
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
    // One that held is dialled again soon, also to fill a gap in it; those that do not hold more and more rarely.
    quickLosses = performance.now() - dialledAt > timings.connectTimeoutMs ? 1 : quickLosses + 1
    line.show('dialling')
    const pauseMs = Math.min(backoff(timings.minReconnectMs, quickLosses), timings.maxReconnectMs)
    await sleep(taken === 'gap' && quickLosses === 1 ? 0 : pauseMs, signal, onOnline)
  }
}

const online = Symbol('online')

/** Ends `act` by its signal when the browser finds itself online again, and rejects with `online`. */
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

/** Null for what is no message. */
function parse(text: string): ServerMessage | null {
  try {
    return JSON.parse(text) as ServerMessage
  } catch {
    return null
  }
}

const closeCodes: Record<number, string> = { 401: 'unauthorized', 403: 'forbidden', 404: 'job_not_found' }

/** The application's close codes are HTTP statuses with 4000 added. */
function closeError({ code, reason }: FinalClose): ExportalError {
  const status = code - 4000
  return new ExportalError({
    status,
    code: closeCodes[status] ?? 'socket_closed',
    detail: reason || `The service closed the watch with ${code}`,
  })
}

/**
 * Watchers of one job, over hibernatable WebSockets. The runtime keeps the sockets; this class keeps no list of them,
 * so an actor that was evicted in between goes on as if nothing had happened.
 *
 * A watcher is told: what it missed (`?after=`), a snapshot, each event, and progress in between, at most ten times a
 * second with the last never lost. The terminal event is marked `end: true`, and followed by close 1000.
 *
 * The end of the token that opened a socket is kept with it: what comes later closes it with 4401 instead of being sent.
 */
import type { EventJson } from '../../wire/events.ts'
import type { JobJson, JobProgress } from '../../wire/job.ts'
import type { ServerMessage } from '../../wire/socket.ts'

const PROGRESS_SPACING_MS = 100
/** The most log lines replayed at once; a watcher further behind gets a reset snapshot. */
const MOST_REPLAYED = 10_000
const LARGEST_MESSAGE = 1024
/** Sockets of one job; each is sent every message, and must not delay the others. */
export const MAX_SOCKETS = 1_000
/** Each frame other than `ping` wakes the actor, and is good for nothing. */
export const MAX_FRAMES = 20
const FRAMES_WINDOW_MS = 60_000
const EXPIRED = 'The access token has expired; ask for a new one.'
/** Close reason of a deleted job. */
export const GONE = 'There is no such job.'
const encoder = new TextEncoder()

export interface Replay {
  /** Lines after the watcher's last number; null when they are no longer, or never were, in the log. */
  events: EventJson[] | null
  lastSeq: number
}

/** Kept with the socket itself, so that it outlives an eviction. Instants in milliseconds. */
export interface SocketNote {
  readonly since: number
  readonly seq: number
  /** When the token that opened it dies; null where none was needed. */
  readonly until: number | null
  /** Frames other than `ping` since `framesSince`. */
  readonly frames: number
  readonly framesSince: number
}

/** What the Worker asks for on behalf of a client. */
export interface WatchRequest {
  /** The last event that the client knows; null for none. */
  readonly after: number | null
  readonly until: number | null
}

function textOf(message: ServerMessage): string {
  return JSON.stringify(message)
}

function noteOn(socket: WebSocket, note: SocketNote): void {
  socket.serializeAttachment(note)
}

function noteOf(socket: WebSocket): SocketNote | null {
  const note: SocketNote | null = socket.deserializeAttachment()
  return note
}

export class Watchers {
  readonly #ctx: DurableObjectState
  #progressSentAt = 0
  #progressTimer: ReturnType<typeof setTimeout> | null = null

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx
    // Set once at most: the pair is part of the actor's lasting state.
    if (!ctx.getWebSocketAutoResponse()) {
      ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'))
    }
  }

  /**
   * Accepts a watcher: what it missed, then the snapshot. A job that has ended is shown once and closed. 401 when the
   * token died on the way here, 503 when the job has as many watchers as it may have.
   */
  accept({ after, until }: WatchRequest, job: JobJson, replay: Replay, now: number): Response {
    if (!holds(until, now)) return new Response(null, { status: 401 })
    if (this.#ctx.getWebSockets().length >= MAX_SOCKETS) return new Response(null, { status: 503 })
    const { 0: client, 1: server } = new WebSocketPair()
    this.#ctx.acceptWebSocket(server)
    const { events, lastSeq } = replay
    const ended = job.finished_at !== null
    noteOn(server, { since: now, seq: lastSeq, until, frames: 0, framesSince: now })
    if (after !== null && events && events.length > 0) {
      server.send(textOf({ type: 'replay', from: after + 1, to: lastSeq, events }))
    }
    const reset = after !== null && events === null
    const marks = { ...(reset && { reset }), ...(ended && { end: ended }) }
    server.send(textOf({ type: 'snapshot', seq: lastSeq, job, ...marks }))
    if (ended) server.close(1000, 'The job has ended.')
    return new Response(null, { status: 101, webSocket: client })
  }

  /**
   * One message for each log line, serialised once for all; closes everyone after a terminal one.
   *
   * @param job null when it is being deleted
   */
  tellEvents(events: readonly EventJson[], job: JobJson | null, now: number): void {
    const sockets = this.#entitled(now)
    if (sockets.length === 0) return
    this.#dropPendingProgress()
    const ended = job !== null && job.finished_at !== null
    const last = events.at(-1)
    for (const event of events) {
      const end = ended && event === last
      const text = textOf({ type: 'event', seq: event.seq, event, job, ...(end && { end }) })
      this.#sendAll(sockets, text, event.seq)
    }
    if (job === null) this.closeAll(4404, GONE, now)
    else if (ended) this.closeAll(1000, 'The job has ended.', now)
  }

  /** Progress between events; `latest` is asked when the message is really sent. */
  tellProgress(latest: () => { seq: number; progress: JobProgress } | null, now: number): void {
    if (this.#progressTimer !== null) return
    const sockets = this.#entitled(now)
    if (sockets.length === 0) return
    const wait = this.#progressSentAt + PROGRESS_SPACING_MS - now
    if (wait <= 0 || wait > PROGRESS_SPACING_MS) return this.#sendProgress(sockets, latest, now)
    this.#progressTimer = setTimeout(() => {
      this.#progressTimer = null
      const then = Date.now()
      this.#sendProgress(this.#entitled(then), latest, then)
    }, wait)
  }

  /** Who watches: since when, and the last event told to each. */
  list(): SocketNote[] {
    return this.#ctx.getWebSockets().flatMap((socket) => noteOf(socket) ?? [])
  }

  closeAll(code: number, reason: string, now: number): void {
    for (const socket of this.#entitled(now)) closeQuietly(socket, code, reason)
  }

  /** Nothing is expected of a watcher but `ping`, which the runtime answers itself. */
  received(socket: WebSocket, message: string | ArrayBuffer, now: number): void {
    const note = noteOf(socket)
    if (!note || !holds(note.until, now)) return closeQuietly(socket, 4401, EXPIRED)
    const size = typeof message === 'string' ? encoder.encode(message).byteLength : message.byteLength
    if (size > LARGEST_MESSAGE)
      return closeQuietly(socket, 1009, `At most ${LARGEST_MESSAGE} bytes are accepted.`)
    const counts = Math.abs(now - note.framesSince) < FRAMES_WINDOW_MS
    const frames = counts ? note.frames + 1 : 1
    if (frames > MAX_FRAMES)
      return closeQuietly(socket, 1008, `Only ping is expected; at most ${MAX_FRAMES} others a minute.`)
    noteOn(socket, { ...note, frames, framesSince: counts ? note.framesSince : now })
  }

  /** The closing handshake is ours to finish; codes that may not be sent are answered with 1000. */
  closed(socket: WebSocket, code: number): void {
    const reserved = code < 1000 || code === 1004 || code === 1005 || code === 1006 || code === 1015
    closeQuietly(socket, reserved ? 1000 : code, '')
  }

  #sendProgress(
    sockets: readonly WebSocket[],
    latest: () => { seq: number; progress: JobProgress } | null,
    now: number,
  ): void {
    const current = latest()
    if (!current) return
    this.#progressSentAt = now
    const text = textOf({ type: 'progress', seq: current.seq, ...current.progress })
    this.#sendAll(sockets, text)
  }

  /** The only way to the sockets for what is sent: those whose token has died are closed instead. */
  #entitled(now: number): WebSocket[] {
    return this.#ctx.getWebSockets().filter((socket) => {
      const note = noteOf(socket)
      if (note && holds(note.until, now)) return true
      closeQuietly(socket, 4401, EXPIRED)
      return false
    })
  }

  /** The event that follows carries the job, and with it the progress. */
  #dropPendingProgress(): void {
    if (this.#progressTimer !== null) clearTimeout(this.#progressTimer)
    this.#progressTimer = null
  }

  /** @param seq the number of the event that `text` tells, kept with each socket that took it */
  #sendAll(sockets: readonly WebSocket[], text: string, seq?: number): void {
    for (const socket of sockets) {
      try {
        socket.send(text)
        const note = seq === undefined ? null : noteOf(socket)
        if (note && seq !== undefined) noteOn(socket, { ...note, seq })
      } catch {
        // It is closing; the others must not wait for it.
      }
    }
  }
}

/** How many log lines a watcher may ask to be replayed. */
export function replayable(after: number, firstSeq: number, lastSeq: number): boolean {
  return after >= firstSeq - 1 && after <= lastSeq && lastSeq - after <= MOST_REPLAYED
}

/** Whether a token that dies at `until` is alive; one without an end always is. */
function holds(until: number | null, now: number): boolean {
  return until === null || now < until
}

function closeQuietly(socket: WebSocket, code: number, reason: string): void {
  try {
    socket.close(code, reason)
  } catch {
    // Already closed.
  }
}

/**
 * The watchers of one job, over hibernatable WebSockets. The runtime keeps the sockets and this class has no list of
 * them, so that an eviction has no effect on watchers.
 *
 * A watcher receives missed events (`?after=`), a snapshot, each event, and progress in between, at most ten times a
 * second, of which the last is never lost. The terminal event is marked `end: true`, and followed by close 1000.
 *
 * The expiry of the token that opened a socket is kept with it: a message due after it closes the socket with 4401
 * instead.
 */
import type { EventJson } from '../../wire/events.ts'
import type { JobJson, JobProgress } from '../../wire/job.ts'
import type { ServerMessage } from '../../wire/socket.ts'
import { closeQuietly } from './sockets.ts'

const PROGRESS_SPACING_MS = 100
/** The most log lines replayed at once; a watcher further behind receives a reset snapshot. */
const MAX_REPLAYED = 10_000
const LARGEST_MESSAGE = 1024
/** The most sockets of one job: each receives every message, and must not delay the others. */
export const MAX_SOCKETS = 1_000
/** Each frame other than `ping` wakes the actor to no purpose. */
export const MAX_FRAMES = 20
const FRAMES_WINDOW_MS = 60_000
const EXPIRED = 'The access token has expired; ask for a new one.'
/** Close reason of a deleted job. */
export const GONE = 'There is no such job.'
/** Distinguishes watchers from a worker's line. */
const TAG = 'watcher'
const encoder = new TextEncoder()

export interface Replay {
  /** Lines after the watcher's last number; null if the log no longer contains them, or never did. */
  events: EventJson[] | null
  lastSeq: number
}

/** Attached to the socket, so that it survives an eviction. Instants in milliseconds. */
export interface SocketNote {
  readonly since: number
  readonly seq: number
  /** When the token that opened it expires; null without one. */
  readonly until: number | null
  /** Frames other than `ping` since `framesSince`. */
  readonly frames: number
  readonly framesSince: number
}

/** The Worker's request on behalf of a client. */
export interface WatchRequest {
  /** The last event that the client has; null for none. */
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

/** The project of the job: its presence shows the Worker that the actor has compared it. */
export const PROJECT_HEADER = 'Exportal-Project'

export class Watchers {
  readonly #ctx: DurableObjectState
  /** Whether no socket was accepted since none was found: each question costs a call to the runtime, with every report. */
  #isUnwatched = false
  #progressSentAt = 0
  #progressTimer: ReturnType<typeof setTimeout> | null = null

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx
    // Set only once, since the pair is part of the actor's persistent state.
    if (!ctx.getWebSocketAutoResponse()) {
      ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'))
    }
  }

  /**
   * Accepts a watcher: sends missed events, then the snapshot. The socket of an ended job is closed after that. 401
   * when the token has expired in the meantime, 503 when the job has the maximum number of watchers.
   */
  accept({ after, until }: WatchRequest, job: JobJson, replay: Replay, now: number): Response {
    if (!holds(until, now)) return new Response(null, { status: 401 })
    if (this.#ctx.getWebSockets(TAG).length >= MAX_SOCKETS) return new Response(null, { status: 503 })
    const { 0: client, 1: server } = new WebSocketPair()
    this.#ctx.acceptWebSocket(server, [TAG])
    this.#isUnwatched = false
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
    const headers = { [PROJECT_HEADER]: String(job.project_id) }
    return new Response(null, { status: 101, webSocket: client, headers })
  }

  /**
   * Sends one message for each log line, serialised once for all; closes all sockets after a terminal one.
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

  /** Sends progress between events; `latest` is called only when the message is actually sent. */
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

  /** The watchers: since when, and the last event sent to each. */
  list(): SocketNote[] {
    return this.#ctx.getWebSockets(TAG).flatMap((socket) => noteOf(socket) ?? [])
  }

  closeAll(code: number, reason: string, now: number): void {
    for (const socket of this.#entitled(now)) closeQuietly(socket, code, reason)
  }

  /** Handles a frame. Only `ping` is expected of a watcher, which the runtime answers itself. */
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

  /** The only access to the sockets for sending: those with an expired token are closed instead. */
  #entitled(now: number): WebSocket[] {
    if (this.#isUnwatched) return []
    const sockets = this.#ctx.getWebSockets(TAG)
    this.#isUnwatched = sockets.length === 0
    return sockets.filter((socket) => {
      const note = noteOf(socket)
      if (note && holds(note.until, now)) return true
      closeQuietly(socket, 4401, EXPIRED)
      return false
    })
  }

  /** The following event contains the job, and thus the progress. */
  #dropPendingProgress(): void {
    if (this.#progressTimer !== null) clearTimeout(this.#progressTimer)
    this.#progressTimer = null
  }

  /** @param seq the number of the event in `text`, kept with each socket it was sent to */
  #sendAll(sockets: readonly WebSocket[], text: string, seq?: number): void {
    for (const socket of sockets) {
      try {
        socket.send(text)
        const note = seq === undefined ? null : noteOf(socket)
        if (note && seq !== undefined) noteOn(socket, { ...note, seq })
      } catch {
        // The socket is closing; the others must not be affected.
      }
    }
  }
}

/** Whether the log lines after `after` can be replayed. */
export function replayable(after: number, firstSeq: number, lastSeq: number): boolean {
  return after >= firstSeq - 1 && after <= lastSeq && lastSeq - after <= MAX_REPLAYED
}

/** Whether a token that expires at `until` is still valid; null never expires. */
function holds(until: number | null, now: number): boolean {
  return until === null || now < until
}

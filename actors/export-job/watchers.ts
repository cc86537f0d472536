/**
 * Watchers of one job, over hibernatable WebSockets. The runtime keeps the sockets; this class keeps no list of them,
 * so an actor that was evicted in between goes on as if nothing had happened.
 *
 * A watcher is told: what it missed (`?after=`), a snapshot, each event, and progress in between, at most ten times a
 * second with the last never lost. After the terminal event it is closed with 1000.
 */
import type { ProgressView } from './core/view.ts'
import type { EventJson, JobJson } from './rpc.ts'

const PROGRESS_SPACING_MS = 100
/** The most log lines replayed at once; a watcher further behind gets a reset snapshot. */
const MOST_REPLAYED = 10_000
const LARGEST_MESSAGE = 1024
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

  /** Accepts a watcher: what it missed, then the snapshot. A job that has ended is shown once and closed. */
  accept(after: number | null, job: JobJson, replay: Replay, ended: boolean): Response {
    const { 0: client, 1: server } = new WebSocketPair()
    this.#ctx.acceptWebSocket(server)
    const { events, lastSeq } = replay
    noteOn(server, { since: Date.now(), seq: lastSeq })
    if (after !== null && events && events.length > 0) {
      server.send(JSON.stringify({ type: 'replay', from: after + 1, to: lastSeq, events }))
    }
    const reset = after !== null && events === null
    server.send(JSON.stringify({ type: 'snapshot', seq: lastSeq, job, ...(reset && { reset: true }) }))
    if (ended) server.close(1000, 'The job has ended.')
    return new Response(null, { status: 101, webSocket: client })
  }

  /** One message for each log line, serialised once for all; closes everyone after a terminal one. */
  tellEvents(events: readonly EventJson[], job: JobJson | null, ended: boolean): void {
    const sockets = this.#ctx.getWebSockets()
    if (sockets.length === 0) return
    this.#dropPendingProgress()
    for (const event of events) {
      this.#sendAll(sockets, JSON.stringify({ type: 'event', seq: event.seq, event, job }), event.seq)
    }
    if (ended) this.closeAll(1000, 'The job has ended.')
  }

  /** Progress between events; `latest` is asked when the message is really sent. */
  tellProgress(latest: () => { seq: number; progress: ProgressView } | null, now: number): void {
    if (this.#progressTimer !== null) return
    const sockets = this.#ctx.getWebSockets()
    if (sockets.length === 0) return
    const wait = this.#progressSentAt + PROGRESS_SPACING_MS - now
    if (wait <= 0 || wait > PROGRESS_SPACING_MS) return this.#sendProgress(sockets, latest, now)
    this.#progressTimer = setTimeout(() => {
      this.#progressTimer = null
      this.#sendProgress(this.#ctx.getWebSockets(), latest, Date.now())
    }, wait)
  }

  /** Who watches: since when, and the last event told to each. */
  list(): SocketNote[] {
    return this.#ctx.getWebSockets().flatMap((socket) => noteOf(socket) ?? [])
  }

  closeAll(code: number, reason: string): void {
    for (const socket of this.#ctx.getWebSockets()) closeQuietly(socket, code, reason)
  }

  /** Nothing is expected of a watcher but `ping`, which the runtime answers itself. */
  received(socket: WebSocket, message: string | ArrayBuffer): void {
    const size = typeof message === 'string' ? encoder.encode(message).byteLength : message.byteLength
    if (size > LARGEST_MESSAGE) closeQuietly(socket, 1009, `At most ${LARGEST_MESSAGE} bytes are accepted.`)
  }

  /** The closing handshake is ours to finish; codes that may not be sent are answered with 1000. */
  closed(socket: WebSocket, code: number): void {
    const reserved = code < 1000 || code === 1004 || code === 1005 || code === 1006 || code === 1015
    closeQuietly(socket, reserved ? 1000 : code, '')
  }

  #sendProgress(
    sockets: readonly WebSocket[],
    latest: () => { seq: number; progress: ProgressView } | null,
    now: number,
  ): void {
    const current = latest()
    if (!current) return
    this.#progressSentAt = now
    const text = JSON.stringify({ type: 'progress', seq: current.seq, ...current.progress })
    this.#sendAll(sockets, text)
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
        if (seq !== undefined) noteOn(socket, { since: noteOf(socket)?.since ?? Date.now(), seq })
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

function closeQuietly(socket: WebSocket, code: number, reason: string): void {
  try {
    socket.close(code, reason)
  } catch {
    // Already closed.
  }
}

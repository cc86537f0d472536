/**
 * One self-redialling WebSocket that knows when it is dead. partysocket redials; this adds the heartbeat, which a
 * browser lacks (a half-open socket says OPEN for minutes), and tells a final close from a lost line.
 */
import ReconnectingWebSocket, { CloseEvent } from 'partysocket/ws'
import type { WebSocketLike } from './http.ts'
import type { Timings } from './time.ts'

export interface SocketHandlers {
  /** Asked before every dial. */
  url(): Promise<string>
  message(text: string): void
  /** The connection, or the attempt at one, is gone; another dial follows. */
  lost(): void
  /** Closed by the server for good. */
  closed(code: number, reason: string): void
}

export class LiveSocket {
  readonly #handlers: SocketHandlers
  readonly #timings: Timings
  readonly #socket: ReconnectingWebSocket
  #heartbeat: ReturnType<typeof setTimeout> | undefined
  #up = false
  #over = false

  constructor(WebSocket: WebSocketLike, timings: Timings, handlers: SocketHandlers) {
    this.#handlers = handlers
    this.#timings = timings
    const dial = () => {
      this.#up = true
      return handlers.url()
    }
    this.#socket = new ReconnectingWebSocket(dial, null, {
      WebSocket,
      connectionTimeout: timings.connectTimeoutMs,
      // A deploy drops every socket at once: spread the first redial.
      minReconnectionDelay: timings.minReconnectMs * (1 + Math.random() / 2),
      maxReconnectionDelay: timings.maxReconnectMs,
      maxEnqueuedMessages: 0,
      shouldReconnectOnClose: (event) => !isFinal(event),
    })
    // The runtime answers pings by itself: only a first message proves that somebody is there to speak.
    this.#socket.onopen = () => this.#redialAfter(timings.connectTimeoutMs)
    this.#socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (this.#over || typeof data !== 'string') return
      this.#alive()
      if (data !== 'pong') handlers.message(data)
    }
    this.#socket.onclose = (event) => {
      if (isFinal(event)) this.#end(() => handlers.closed(event.code, event.reason))
      else this.#down()
    }
    // Also where a dial fails before there is a socket to close, as when a content policy forbids it.
    this.#socket.onerror = () => this.#down()
  }

  /** Gives up the connection and dials anew at once. */
  redial(): void {
    if (!this.#over) this.#socket.reconnect()
  }

  close(): void {
    this.#end(() => this.#socket.close())
  }

  /** Anything heard proves the line; only silence is worth a ping. */
  #alive(): void {
    clearTimeout(this.#heartbeat)
    if (this.#over) return
    this.#heartbeat = setTimeout(() => {
      this.#redialAfter(this.#timings.pongTimeoutMs)
      this.#socket.send('ping')
    }, this.#timings.pingIntervalMs)
  }

  #redialAfter(ms: number): void {
    clearTimeout(this.#heartbeat)
    this.#heartbeat = setTimeout(() => this.redial(), ms)
  }

  /** An error and the close that comes with it are one loss. */
  #down(): void {
    clearTimeout(this.#heartbeat)
    if (this.#over || !this.#up) return
    this.#up = false
    this.#handlers.lost()
  }

  #end(last: () => void): void {
    clearTimeout(this.#heartbeat)
    if (this.#over) return
    this.#over = true
    last()
  }
}

/**
 * partysocket reports its own teardown of a failed dial as a close 1000 of its own class. Taken for the server's
 * 1000 it would end all redialling after the first refused upgrade.
 */
function isFinal(event: CloseEvent): boolean {
  const ownTeardown = event instanceof CloseEvent
  const { code } = event as { code: number }
  return !ownTeardown && (code === 1000 || code >= 4000)
}

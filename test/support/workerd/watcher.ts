/** A watcher for tests: one raw socket at a time, and all messages ever received. */
import type { EventJson } from '../../../wire/events.ts'
import type { JobJson } from '../../../wire/job.ts'
import type { ActorHandle } from './actors.ts'

type Told =
  | { type: 'replay'; from: number; to: number; events: EventJson[] }
  | { type: 'snapshot'; seq: number; job: JobJson; reset?: true }
  | { type: 'event'; seq: number; event: EventJson; job: JobJson }
  | { type: 'progress'; seq: number; progress: number }

/** Redials manually, with the number of its last line. */
export class TestWatcher {
  readonly events: EventJson[] = []
  readonly snapshots: { seq: number; reset: boolean }[] = []
  pongs = 0
  dials = 0
  /** How the last connection ended; null while it is open. */
  closed: number | null = null
  #socket: WebSocket | null = null
  readonly #job: ActorHandle

  constructor(job: ActorHandle) {
    this.#job = job
  }

  get seq(): number {
    return this.events.at(-1)?.seq ?? 0
  }

  get open(): boolean {
    return this.#socket !== null && this.closed === null
  }

  async dial(): Promise<void> {
    const response = await this.#job.stub.fetch(`https://x/ws?after=${this.seq}`, {
      headers: { Upgrade: 'websocket' },
    })
    const socket = response.webSocket
    if (!socket) throw new Error(`The upgrade answered ${response.status}.`)
    this.dials++
    this.closed = null
    this.#socket = socket
    socket.addEventListener('message', ({ data }) => {
      // Messages that arrive after this side hung up are dropped, as on a broken connection.
      if (this.#socket === socket) this.#hear(String(data))
    })
    socket.addEventListener('close', ({ code }) => {
      if (this.#socket === socket) this.closed = code
    })
    socket.accept()
  }

  send(text: string): void {
    this.#socket?.send(text)
  }

  hangUp(): void {
    const socket = this.#socket
    this.#socket = null
    socket?.close(1001)
  }

  #hear(text: string): void {
    if (text === 'pong') {
      this.pongs++
      return
    }
    const told: Told = JSON.parse(text)
    if (told.type === 'replay') this.events.push(...told.events)
    if (told.type === 'event') this.events.push(told.event)
    if (told.type === 'snapshot') this.snapshots.push({ seq: told.seq, reset: told.reset === true })
  }
}

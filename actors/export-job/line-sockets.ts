/**
 * The sockets of a job's workers, and the note attached to each: the runtime keeps both during hibernation. A note is
 * read once, and written with every report.
 */
import type { HelloMessage } from '../../wire/worker-line.ts'
import { sameRef } from './core/attempts.ts'
import type { AttemptRef } from './core/job.ts'
import type { Socket } from './sockets.ts'

export interface LinePlatform {
  /** Accepts it, with the tag of worker sockets. */
  accept(socket: Socket): void
  list(): readonly Socket[]
  /** When its last ping was answered, also during hibernation; null without one. */
  pingedAt(socket: Socket): number | null
}

/** Attached to the socket, so that it survives an eviction. Instants in milliseconds. */
export interface LineNote {
  readonly ref: AttemptRef
  readonly since: number
  /** When its token expires. */
  readonly until: number
  /** Null before the `hello`. */
  readonly hello: HelloMessage | null
  /** The number of its reports, including those over previous sockets of the same line. */
  readonly messages: number
  /** Its last report, and the job's progress after it. */
  readonly n: number | null
  readonly percent: number
  readonly stage: string | null
  readonly message: string | null
  readonly etaMs: number | null
  readonly at: number
  /** The worker has reported the end of its run: it needs no order to stop. */
  readonly isDone: boolean
  /** No longer in use: closed by this side, or replaced. */
  readonly left: boolean
}

export class LineSockets {
  readonly #platform: LinePlatform
  readonly #notes = new WeakMap<Socket, LineNote>()

  constructor(platform: LinePlatform) {
    this.#platform = platform
  }

  accept(socket: Socket, note: LineNote): void {
    this.#platform.accept(socket)
    this.keep(socket, note)
  }

  keep(socket: Socket, note: LineNote): void {
    this.#notes.set(socket, note)
    socket.serializeAttachment(note)
  }

  noteOf(socket: Socket): LineNote {
    const known = this.#notes.get(socket)
    if (known) return known
    const note = socket.deserializeAttachment() as LineNote
    this.#notes.set(socket, note)
    return note
  }

  /**
   * The worker's last report or ping, in milliseconds since 1970; the runtime answers pings without waking the actor.
   */
  heardAt(socket: Socket): number {
    return Math.max(this.noteOf(socket).at, this.#platform.pingedAt(socket) ?? 0)
  }

  /** Those in use, oldest first. */
  list(): Socket[] {
    return this.#platform
      .list()
      .filter((socket) => !this.noteOf(socket).left)
      .sort((a, b) => this.noteOf(a).since - this.noteOf(b).since)
  }

  /** Those over which a worker of the attempt has sent its `hello`. */
  greeted(ref: AttemptRef): Socket[] {
    return this.list().filter((socket) => {
      const note = this.noteOf(socket)
      return note.hello !== null && sameRef(note.ref, ref)
    })
  }
}

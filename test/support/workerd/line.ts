/** A GPU worker's line for tests: one raw socket, and all messages received on it. */

import type { AttemptRef } from '../../../actors/export-job/core/job.ts'
import type { LineAnswer, WorkerMessage } from '../../../wire/worker-line.ts'
import { type ActorHandle, FIRST } from './actors.ts'
import { HOUR } from './clock.ts'

export class TestLine {
  readonly told: LineAnswer[] = []
  pongs = 0
  /** How it ended; null while it is open. */
  closed: number | null = null
  /** Resolved by each message, and by the end: waiting for them by polling took most of the time of long lines. */
  #stir = Promise.withResolvers<void>()
  readonly #socket: WebSocket

  constructor(socket: WebSocket) {
    this.#socket = socket
    socket.addEventListener('message', ({ data }) => {
      if (data === 'pong') this.pongs++
      else this.told.push(JSON.parse(String(data)))
      this.#stirred()
    })
    socket.addEventListener('close', ({ code }) => {
      this.closed ??= code
      this.#stirred()
    })
    socket.accept()
  }

  /** The types of the messages received. */
  get types(): string[] {
    return this.told.map(({ type }) => type)
  }

  say(message: WorkerMessage): void {
    this.#socket.send(JSON.stringify(message))
  }

  hello(instance = 'a', runpod_job_id: string | null = null): void {
    this.say({ type: 'hello', runpod_job_id, instance })
  }

  progress(n: number, progress: number, over: Record<string, string | number> = {}): void {
    this.say({ type: 'progress', n, progress, stage: 'rendering', ...over })
  }

  send(frame: string | ArrayBuffer): void {
    this.#socket.send(frame)
  }

  /** Resolves when all messages sent before have been handled: messages of one socket stay in order. */
  async settled(): Promise<void> {
    const pongs = this.pongs + 1
    this.#socket.send('ping')
    await this.until(() => this.pongs >= pongs || this.closed !== null)
  }

  async ended(): Promise<number | null> {
    await this.until(() => this.closed !== null)
    return this.closed
  }

  /** Resolves when what was received fulfils the condition. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await this.#stir.promise
  }

  #stirred(): void {
    this.#stir.resolve()
    this.#stir = Promise.withResolvers()
  }

  hangUp(code = 1001): void {
    this.closed = code
    this.#socket.close(code)
  }
}

/** A line to the actor itself, as the Worker opens it after checking the token. */
export async function openLine(
  job: ActorHandle,
  { round, attempt }: AttemptRef = FIRST,
  until = Date.now() + HOUR,
): Promise<TestLine> {
  const url = `https://job/line?round=${round}&attempt=${attempt}&until=${until}`
  const { webSocket, status } = await job.stub.fetch(url, { headers: { Upgrade: 'websocket' } })
  if (!webSocket) throw new Error(`The upgrade answered ${status}.`)
  return new TestLine(webSocket)
}

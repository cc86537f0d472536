/**
 * The worker's line: one WebSocket over which it sends reports instead of a POST for each, and receives a stop at once.
 * While the job runs it is reconnected, with growing, randomized pauses; reports that cannot be sent meanwhile are
 * posted. `docs/gpu-worker.md` describes the messages.
 */
import { WebSocket } from 'ws'
import type { Clock } from '../clock.ts'
import type { FaultSet } from '../faults.ts'
import { isObject, type JsonObject } from '../job.ts'
import type { Log } from '../log.ts'
import { jsonOf } from './json-of.ts'
import { USER_AGENT } from './user-agent.ts'

const PROTOCOL = 'exportal.worker.v1'
const MAX_MESSAGE_BYTES = 4096
/** Pauses between connections: the first and the maximum, before randomness makes each up to twice as long. */
const FIRST_PAUSE_MS = 500
const MAX_PAUSE_MS = 30_000
/** How long to wait for the ack of a final report. */
export const ACK_MS = 5_000

export interface LineOptions {
  url: string
  token: string
  runpodJobId: string
  /** Random; a new one for each process and attempt. */
  instance: string
  clock: Clock
  log: Log
  faults: () => FaultSet
  /** Called when the service does not need the work any more. */
  onStop: (why: string) => void
}

export class Line {
  readonly #options: LineOptions
  #socket: WebSocket | null = null
  #dials = 0
  #closed = false
  #cancelDial: () => void = () => {}
  #cancelCut: () => void = () => {}
  /** Callbacks that wait for the ack of a report, by its number. */
  readonly #acks = new Map<number, (isTaken: boolean) => void>()

  constructor(options: LineOptions) {
    this.#options = options
    this.#dial()
  }

  get isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN
  }

  /** Sends a report; false when it must be posted, since the line is down or the report too long. */
  say(report: JsonObject): boolean {
    const text = jsonOf(report)
    const socket = this.#socket
    if (!socket || !this.isOpen || Buffer.byteLength(text) > MAX_MESSAGE_BYTES) return false
    const { late_ms: late = 0, slow_ms: slow = 0, duplicate } = this.#options.faults().line ?? {}
    const isLate = late > 0 && report.type === 'progress' && Number(report.n) % 3 === 0
    const send = () => {
      if (socket.readyState !== WebSocket.OPEN) return
      socket.send(text)
      if (duplicate) socket.send(text)
    }
    const wait = slow + (isLate ? late : 0)
    if (wait > 0) this.#options.clock.after(wait, send)
    else send()
    return true
  }

  /**
   * Sends a final report, and resolves with whether the service accepted or refused it: otherwise it must be posted.
   */
  async sayEnd(report: JsonObject & { n: number }): Promise<boolean> {
    if (!this.say(report)) return false
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(ACK_MS, () => settle(false))
      const settle = (isTaken: boolean) => {
        cancel()
        this.#acks.delete(report.n)
        resolve(isTaken)
      }
      this.#acks.set(report.n, settle)
    })
  }

  /** Shows that the worker is alive when there is nothing to report. */
  ping(): void {
    if (this.isOpen) this.#socket?.send('ping')
  }

  close(): void {
    this.#closed = true
    this.#cancelDial()
    this.#cancelCut()
    this.#unanswered()
    this.#socket?.close(1000)
  }

  #dial(): void {
    const { url, token, runpodJobId, instance, clock, log, faults } = this.#options
    if (this.#closed) return
    if (faults().line?.refuse) return this.#dialLater()
    const headers = { authorization: `Bearer ${token}`, 'user-agent': USER_AGENT }
    const socket = new WebSocket(url, PROTOCOL, { headers, handshakeTimeout: 10_000, maxPayload: 64 * 1024 })
    socket.on('open', () => {
      this.#dials = 0
      this.#socket = socket
      socket.send(JSON.stringify({ type: 'hello', runpod_job_id: runpodJobId, instance }))
      log('line.open', { runpod_job: runpodJobId })
      const { cut_every_ms: cut } = faults().line ?? {}
      if (cut !== undefined) this.#cancelCut = clock.after(cut, () => socket.terminate())
    })
    socket.on('message', (data) => this.#receive(String(data)))
    socket.on('close', (code) => this.#left(socket, code))
    // A refused upgrade emits `close` as well.
    socket.on('error', () => {})
  }

  #dialLater(): void {
    const { clock } = this.#options
    const pause = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.#dials++, 10))
    this.#cancelDial = clock.after(pause * (1 + Math.random()), () => this.#dial())
  }

  #receive(text: string): void {
    if (text === 'pong') return
    const message: unknown = JSON.parse(text)
    if (!isObject(message)) return
    if (message.type === 'stop') {
      this.close()
      return this.#options.onStop(`the service asked to stop (${message.reason})`)
    }
    if (message.type === 'refused')
      this.#options.log('line.refused', { of: Number(message.of), code: String(message.code) })
    const isAcked = !this.#options.faults().line?.drop_acks
    if (isAcked) this.#acks.get(Number(message.of))?.(true)
  }

  #left(socket: WebSocket, code: number): void {
    const { log, runpodJobId, onStop } = this.#options
    if (this.#socket === socket) this.#socket = null
    this.#cancelCut()
    this.#unanswered()
    if (this.#closed) return
    log('line.closed', { runpod_job: runpodJobId, code })
    if (code === 4404) onStop('the job is gone (4404)')
    else if (code !== 4401) this.#dialLater()
  }

  /** Reports without an ack are posted. */
  #unanswered(): void {
    for (const settle of [...this.#acks.values()]) settle(false)
  }
}

/**
 * The line of a job's GPU worker: a hibernatable WebSocket on which it reports as it would by POST. Cloudflare bills
 * twenty messages as one request and invokes no Worker for them, and the worker receives the order to stop immediately.
 *
 * The runtime keeps the sockets, separate from those of watchers by their tag. The content of a report is attached to
 * its socket, so that the actor may hibernate between two reports and writes no row for them.
 */
import * as v from 'valibot'
import type { InspectedLine } from '../../wire/admin.ts'
import type { HelloMessage, LineAnswer, StopReason } from '../../wire/worker-line.ts'
import { findAttempt, openAttempt, refOf, sameRef } from './core/attempts.ts'
import type { Event, LineSeen, Reply, Report } from './core/events.ts'
import { iso } from './core/iso.ts'
import type { AttemptRef, Job } from './core/job.ts'
import { isIn } from './core/phase.ts'
import { LOST_LINE_ASKS_MS } from './core/policy.ts'
import { parseForeign } from './core/text.ts'
import { type LineNote, type LinePlatform, LineSockets } from './line-sockets.ts'
import {
  CompleteBody,
  completeReport,
  ErrorBody,
  errorReport,
  Instance,
  ProgressBody,
  progressReport,
  ReportNumber,
  RunpodJobId,
} from './read-report.ts'
import { closed, closeQuietly, type Socket } from './sockets.ts'

/** Distinguishes a worker's socket from those of watchers. */
export const LINE_TAG = 'worker'
/** The subprotocol that a worker may offer. */
export const LINE_PROTOCOL = 'exportal.worker.v1'
/**
 * Header of a successful upgrade, which shows the Worker that the socket was accepted as a line; `back`: after a short
 * loss.
 */
export const LINE_HEADER = 'Exportal-Line'

const MAX_MESSAGE_BYTES = 4096
const MAX_MESSAGES = 20
const MESSAGES_WINDOW_MS = 1_000
/** The most lines of one job: a worker has one, and a dead one may appear open for a while. */
export const MAX_LINES = 8
const encoder = new TextEncoder()

/** The dependencies of the line on its actor and the platform. */
export interface LinePorts {
  job(): Job | null
  /** Decides and commits. Called only while there is a job. */
  apply(event: Event): Reply
  readonly sockets: LinePlatform
  /** Called when a line has closed, with its figures; a line that returns within seconds counts as the same one. */
  closed(figures: LineFigures): void
}

export interface LineFigures extends AttemptRef {
  readonly code: number
  readonly messages: number
  readonly last_n: number | null
  readonly seconds: number
}

export interface LineRequest {
  readonly ref: AttemptRef
  readonly until: number
}

const Hello = v.object({ runpod_job_id: RunpodJobId, instance: Instance })
const Numbered = v.object({ n: ReportNumber })

export class WorkerLine {
  readonly #ports: LinePorts
  readonly #sockets: LineSockets
  /** Messages of the current second, by socket; may be lost by an eviction. */
  readonly #rates = new WeakMap<Socket, { since: number; count: number }>()
  /** The socket whose message is being handled. `committed` skips it: `#report` may stop it only after its ack. */
  #sender: Socket | null = null
  /** A line that may return soon; logged if it does not. */
  #lost: { note: LineNote; code: number } | null = null
  #lastClose: InspectedLine['last_close'] = null

  constructor(ports: LinePorts) {
    this.#ports = ports
    this.#sockets = new LineSockets(ports.sockets)
  }

  /**
   * Accepts a worker, which sends its `hello` next. The token was checked before; null when it has expired in the
   * meantime. `back`: after a short loss.
   */
  accept(socket: Socket, { ref, until }: LineRequest, now: number): 'back' | 'open' | null {
    if (now >= until) return null
    const lines = this.#sockets.list()
    for (const line of lines.slice(0, Math.max(0, lines.length - MAX_LINES + 1))) {
      this.#leave(line, 1013, 'This job has too many lines.', now)
    }
    const blank = { n: null, percent: 0, stage: null, message: null, etaMs: null }
    const fresh = { hello: null, messages: 0, isDone: false, left: false }
    this.#sockets.accept(socket, { ref, since: now, until, at: now, ...blank, ...fresh })
    return this.#isBackSoon(ref, now) ? 'back' : 'open'
  }

  received(socket: Socket, message: string | ArrayBuffer, now: number): void {
    const note = this.#sockets.noteOf(socket)
    const fault = note.left ? null : this.#faultOf(socket, note, message, now)
    if (note.left || typeof message !== 'string' || fault) {
      return fault ? this.#lose(socket, ...fault, now) : undefined
    }
    const said = read(message)
    if (said === null) return refuse(socket, null, 'invalid_json', 'A message is the JSON text of an object.')
    switch (said.type) {
      case 'hello':
        return this.#greet(socket, note, said, now)
      case 'progress':
      case 'complete':
      case 'error': {
        const report = reportOf(said.type, said, note.ref)
        if (!report)
          return refuse(
            socket,
            numberOf(said),
            'invalid_request',
            'A completion names its `output_video_key`.',
          )
        if (!note.hello)
          return refuse(socket, report.n ?? null, 'hello_missing', 'A line begins with a `hello`.')
        return this.#report(socket, note, note.hello, report, now)
      }
      default:
        refuse(socket, numberOf(said), 'unknown_type', 'A message is a hello, progress, complete or error.')
    }
  }

  /** Completes the closing handshake, as the runtime requires. */
  closed(socket: Socket, code: number, now: number): void {
    const note = this.#sockets.noteOf(socket)
    closed(socket, code)
    if (note.left) return
    this.#retire(socket, note, code, now)
    this.#gone(note, code, now)
  }

  /** The state of open lines that is not in storage; or the loss of a running job's line that was never reported. */
  seen(): Event[] {
    const job = this.#ports.job()
    const attempt = job && openAttempt(job)
    if (!job || !attempt) return []
    const line = this.#sockets.greeted(attempt).at(-1)
    if (line) return [this.#seenOn(line)]
    const { phase } = job
    const wasOpen = isIn(phase, 'running') && phase.line?.lostAt === null
    return wasOpen ? [{ type: 'lineLost', ref: refOf(attempt) }] : []
  }

  /** The line for operators. */
  shown(): InspectedLine {
    const socket = this.#sockets.list().findLast((each) => this.#sockets.noteOf(each).hello)
    const last_close = this.#lastClose
    if (!socket) return { open: null, last_close }
    const { since, messages, n } = this.#sockets.noteOf(socket)
    const heard_at = iso(this.#sockets.heardAt(socket))
    return { open: { since: iso(since), heard_at, messages, last_n: n }, last_close }
  }

  /** Called after a commit: stops the workers of attempts that it closed, and logs a line that has not returned. */
  committed(job: Job, types: readonly string[], now: number): void {
    if (types.includes('line_lost')) this.#logLost()
    for (const socket of this.#sockets.list()) {
      const note = this.#sockets.noteOf(socket)
      if (socket === this.#sender || isOpen(job, note.ref)) continue
      if (note.isDone || isWon(job, note.ref)) this.#leave(socket, 1000, 'The attempt has ended.', now)
      else this.#stop(socket, reasonOf(job), now)
    }
    if (this.#lost && !isOpen(job, this.#lost.note.ref)) this.#logLost()
  }

  /** Called when there is no job any more. */
  closeAll(now: number): void {
    for (const socket of this.#sockets.list()) this.#stop(socket, 'gone', now)
  }

  #greet(socket: Socket, note: LineNote, said: object, now: number): void {
    const { runpod_job_id: id = null, instance = null } = v.parse(Hello, said)
    if (instance === null) {
      return refuse(
        socket,
        null,
        'invalid_request',
        'A hello names its `instance`, of letters, digits, _ and -.',
      )
    }
    const { ref } = note
    const etaMs = this.#ports.job()?.progress.etaMs ?? null
    const nothing = { percent: 0, stage: null, message: null, etaMs }
    const about = { runpodJobId: id, instance, byLine: true } as const
    const reply = this.#decide(socket, { type: 'progressed', ref, ...nothing, ...about })
    if (!reply.ok || reply.cancel) return this.#stop(socket, this.#strangeness(ref), now)
    const before = this.#lost?.note.hello?.instance === instance ? this.#lost.note : null
    let messages = before?.messages ?? 0
    if (before) this.#lost = null
    for (const other of this.#sockets.greeted(ref)) {
      if (other === socket) continue
      const old = this.#sockets.noteOf(other)
      if (old.hello?.instance !== instance) this.#stop(other, 'replaced', now)
      else {
        messages = old.messages
        this.#leave(other, 1000, 'It has another line.', now, false)
      }
    }
    const hello: HelloMessage = { type: 'hello', runpod_job_id: id, instance }
    this.#sockets.keep(socket, this.#noted(note, { hello, messages }, now))
  }

  #report(socket: Socket, note: LineNote, hello: HelloMessage, said: Report, now: number): void {
    const { n = null } = said
    const runpodJobId = said.runpodJobId ?? hello.runpod_job_id
    const reply = this.#decide(socket, { ...said, runpodJobId, instance: hello.instance, byLine: true })
    const isEnd = said.type !== 'progressed'
    const isDone = note.isDone || (isEnd && reply.ok)
    this.#sockets.keep(
      socket,
      this.#noted(note, { messages: note.messages + 1, n: n ?? note.n, isDone }, now),
    )
    if (!reply.ok) return refuse(socket, n, reply.code, reply.detail)
    if (isEnd) send(socket, { type: 'ack', of: n })
    const job = this.#ports.job()
    if (isDone && (reply.cancel || !job || !isOpen(job, note.ref)))
      this.#leave(socket, 1000, 'The attempt has ended.', now)
    else if (reply.cancel) this.#stop(socket, job ? reasonOf(job) : 'gone', now)
  }

  #decide(socket: Socket, report: Report): Reply {
    if (!this.#ports.job()) return { ok: true, cancel: true }
    this.#sender = socket
    try {
      return this.#ports.apply(report)
    } finally {
      this.#sender = null
    }
  }

  /** Includes the job's progress, so that it need not be stored. */
  #noted(note: LineNote, changes: Partial<LineNote>, at: number): LineNote {
    const job = this.#ports.job()
    if (!job || !isOpen(job, note.ref)) return { ...note, ...changes, at }
    const { percent, stage, message, etaMs } = job.progress
    return { ...note, ...changes, percent, stage, message, etaMs, at }
  }

  /** The close code and reason for an invalid frame; null for a valid one. */
  #faultOf(
    socket: Socket,
    { until }: LineNote,
    message: string | ArrayBuffer,
    now: number,
  ): [number, string] | null {
    if (now >= until) return [4401, 'The callback token has expired.']
    if (typeof message !== 'string') return [1003, 'Messages are text.']
    const most = message.length * 3 > MAX_MESSAGE_BYTES ? encoder.encode(message).byteLength : 0
    if (most > MAX_MESSAGE_BYTES)
      return [1009, `At most ${MAX_MESSAGE_BYTES} bytes are accepted; post what is longer.`]
    const rate = this.#rates.get(socket)
    if (!rate || Math.abs(now - rate.since) >= MESSAGES_WINDOW_MS) {
      this.#rates.set(socket, { since: now, count: 1 })
      return null
    }
    rate.count++
    return rate.count > MAX_MESSAGES
      ? [1008, `At most ${MAX_MESSAGES} messages a second are accepted.`]
      : null
  }

  #seenOn(socket: Socket): LineSeen {
    const { ref, percent, message, etaMs, n, at, hello } = this.#sockets.noteOf(socket)
    const last = { percent, message, etaMs, reportedAt: at, n, instance: hello?.instance ?? null }
    return { type: 'lineSeen', ref, at: this.#sockets.heardAt(socket), ...last }
  }

  #isBackSoon(ref: AttemptRef, now: number): boolean {
    const phase = this.#ports.job()?.phase
    const line = phase && isIn(phase, 'running') ? phase.line : undefined
    if (line?.lostAt != null) return now - line.lostAt < LOST_LINE_ASKS_MS[0]
    return this.#sockets.greeted(ref).length > 0
  }

  /** The reason for refusing a hello. */
  #strangeness(ref: AttemptRef): StopReason {
    const job = this.#ports.job()
    if (!job) return 'gone'
    return isOpen(job, ref) ? 'stranger' : reasonOf(job)
  }

  #stop(socket: Socket, reason: StopReason, now: number): void {
    send(socket, { type: 'stop', reason })
    this.#leave(socket, 1000, 'The worker is to stop.', now)
  }

  /** Closes a socket for good; not treated as a lost line. */
  #leave(socket: Socket, code: number, reason: string, now: number, isLogged = true): void {
    const note = this.#sockets.noteOf(socket)
    this.#retire(socket, note, code, now)
    closeQuietly(socket, code, reason)
    if (isLogged) this.#log({ ...note, at: now }, code)
  }

  /** Closes a socket because of its messages: its worker may reconnect or use POST. */
  #lose(socket: Socket, code: number, reason: string, now: number): void {
    const note = this.#sockets.noteOf(socket)
    this.#leave(socket, code, reason, now, false)
    this.#gone(note, code, now)
  }

  /** From now on the socket does not count, whoever closed it. */
  #retire(socket: Socket, note: LineNote, code: number, now: number): void {
    this.#sockets.keep(socket, { ...note, left: true })
    if (note.hello) this.#lastClose = { at: iso(now), code, messages: note.messages }
  }

  #gone(note: LineNote, code: number, now: number): void {
    const job = this.#ports.job()
    const isCurrent = note.hello !== null && !note.isDone && this.#sockets.greeted(note.ref).length === 0
    if (!job || !isCurrent || !isOpen(job, note.ref)) return this.#log({ ...note, at: now }, code)
    this.#lost = { note, code }
    this.#ports.apply({ type: 'lineLost', ref: note.ref })
  }

  #logLost(): void {
    if (this.#lost) this.#log(this.#lost.note, this.#lost.code)
    this.#lost = null
  }

  #log({ ref, since, at, messages, n }: LineNote, code: number): void {
    const seconds = Math.round((at - since) / 1000)
    this.#ports.closed({ ...ref, code, messages, last_n: n, seconds })
  }
}

function isOpen(job: Job, ref: AttemptRef): boolean {
  const open = openAttempt(job)
  return open !== null && sameRef(open, ref)
}

/** Whether the job is complete by this attempt: its worker needs no order to stop. */
function isWon(job: Job, ref: AttemptRef): boolean {
  const attempt = findAttempt(job, ref)
  return job.phase.status === 'complete' && attempt !== null && sameRef(job.phase.winner, attempt)
}

function reasonOf({ phase: { status } }: Job): StopReason {
  if (status === 'cancelling' || status === 'cancelled') return 'cancelled'
  return status === 'deleting' || status === 'gone' ? 'gone' : 'closed'
}

function read(text: string): { readonly type?: unknown } | null {
  try {
    const value = parseForeign(text)
    return value !== null && typeof value === 'object' && !Array.isArray(value) ? value : null
  } catch {
    return null
  }
}

function numberOf(said: object): number | null {
  return v.parse(Numbered, said).n ?? null
}

/** Null for a report that cannot be repaired. */
function reportOf(type: 'progress' | 'complete' | 'error', said: object, ref: AttemptRef): Report | null {
  if (type === 'progress') return progressReport(v.parse(ProgressBody, said), ref)
  if (type === 'error') return errorReport(v.parse(ErrorBody, said), ref)
  const body = v.safeParse(CompleteBody, said)
  return body.success ? completeReport(body.output, ref) : null
}

function refuse(socket: Socket, of: number | null, code: string, detail: string): void {
  send(socket, { type: 'refused', of, code, detail })
}

function send(socket: Socket, answer: LineAnswer): void {
  try {
    socket.send(JSON.stringify(answer))
  } catch {
    // The socket is closing; the worker repeats the report by POST.
  }
}

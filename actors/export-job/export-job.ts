/**
 * The actor of one export job: the only owner of its state. Its methods are the verbs; each is decided by the pure core
 * and committed. Only the alarm causes effects: it wakes the job, performs them, and applies each answer as the next
 * event.
 */

import type { JobJson, JobProgress } from '../../wire/job.ts'
import type { PlaceRef } from '../lane/state.ts'
import { pricesOf } from '../shared/endpoints.ts'
import { matchesState } from '../shared/entity-tag.ts'
import type { ActorEnv } from '../shared/env.ts'
import { logFault, logLine, logTransition } from '../shared/log.ts'
import { settingsOf } from '../shared/settings.ts'
import { nextRef } from './core/attempts.ts'
import { asksFor, holdsPlace } from './core/debts/places.ts'
import type { Command, Fact, Report } from './core/events.ts'
import type { Job, JobRequest } from './core/job.ts'
import { isIn } from './core/phase.ts'
import { WATCHED_ASK_MS } from './core/policy.ts'
import { progressOf, queueOf } from './core/shown/facts.ts'
import { erasureOf } from './erasure.ts'
import { redactedEvent } from './foreign-text.ts'
import { FormerVerbs } from './former-verbs.ts'
import { inspect } from './inspect.ts'
import { perform, settled, type World } from './perform.ts'
import { Presenter } from './present.ts'
import type {
  Ask,
  CommandAnswer,
  CreateAnswer,
  EventsAnswer,
  InspectAnswer,
  JobText,
  LogPage,
  ReportAnswer,
  ViewAnswer,
} from './rpc.ts'
import { type Change, type Ports, Runner } from './runner.ts'
import { closed } from './sockets.ts'
import { JobStore, type LogQuery } from './store.ts'
import { GONE, replayable, Watchers } from './watchers.ts'
import { LINE_HEADER, LINE_TAG, type LinePorts, WorkerLine } from './worker-line.ts'

const MAX_EVENTS = 1_000
/** A former Worker checks by itself whether its caller may access the job. */
const FORMER: Ask = { projectId: null, ifMatch: null, requestId: null }

export class ExportJob extends FormerVerbs {
  readonly #store: JobStore
  readonly #watchers: Watchers
  readonly #presenter: Presenter
  readonly #world: World
  readonly #runner: Runner
  readonly #line: WorkerLine
  readonly #lines = new WeakMap<WebSocket, boolean>()
  /**
   * The last command that was carried out. The Worker repeats a call at once when the platform has lost its answer: what
   * the command itself changed is not held against it.
   */
  #lastCommand: string | null = null

  constructor(ctx: DurableObjectState, env: ActorEnv) {
    super(ctx, env)
    const answer = settingsOf(env)
    const settings = answer.ok ? answer.settings : null
    this.#presenter = new Presenter(settings)
    this.#store = new JobStore(ctx.storage)
    this.#watchers = new Watchers(ctx)
    const isWatched = () => this.#watchers.list().length > 0
    this.#world = { env, settings, isWatched, mirrored: new WeakMap() }
    this.#runner = new Runner(this.#ports())
    this.#line = new WorkerLine(this.#linePorts())
    if (this.#job) void ctx.blockConcurrencyWhile(() => this.#runner.rearm(this.#line.seen()))
  }

  #ports(): Ports {
    const { storage } = this.ctx
    const world = this.#world
    return {
      now: () => Date.now(),
      store: {
        load: () => this.#store.load(),
        commit: (job, log, now) => this.#store.commit(job, log, now),
        erase: () => {
          this.#lastCommand = null
          this.#watchers.closeAll(4404, GONE, Date.now())
          this.#line.closeAll(Date.now())
          return this.#store.erase()
        },
      },
      alarm: { get: () => storage.getAlarm(), set: (at) => storage.setAlarm(at) },
      perform: (effect, job) => perform(effect, job, world),
      redact: (event) => redactedEvent(event, world.settings, this.#job?.request.inputVideoUrl),
      tell: (change) => this.#tell(change),
      vanished: (jobId) => settled(jobId, world),
      fault: (error, job) => logFault('alarm', error, { job_id: job?.request.id ?? '' }),
    }
  }

  #linePorts(): LinePorts {
    const { ctx } = this
    return {
      job: () => this.#job,
      apply: (event) => this.#runner.apply(event).reply,
      sockets: {
        accept: (socket: WebSocket) => ctx.acceptWebSocket(socket, [LINE_TAG]),
        list: () => ctx.getWebSockets(LINE_TAG),
        pingedAt: (socket: WebSocket) => ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? null,
      },
      closed: (figures) => logLine(this.#job?.request.id ?? null, figures),
    }
  }

  // Verbs of the service. Each takes the id of the HTTP request that it belongs to, for the log.

  /** Accepts a job: durable when this returns. Idempotent; the caller compares the request's hash. */
  async create(request: JobRequest, requestId: string | null = null): Promise<CreateAnswer> {
    const now = Date.now()
    this.#runner.create(request, requestId)
    const job = this.#text()
    const shown = this.#shown()
    if (!job || !shown || !this.#job) {
      const detail = 'A job with this idempotency key is being deleted; try again later.'
      return { ok: false, code: 'job_deleting', detail, retryAfterSeconds: this.#secondsToGone(now) }
    }
    const { requestHash } = this.#job.request
    return { ok: true, created: this.#job.version === 1, requestHash, job, status: shown.status }
  }

  /** The job as the API shows it. */
  async view(ask: Ask = FORMER): Promise<ViewAnswer> {
    const seen = this.#seenBy(ask)
    if (!seen) return { found: false, deleting: this.#holdsFor(ask) !== null }
    const { job, text, etag, shown } = seen
    return {
      found: true,
      job: text,
      version: job.version,
      seq: this.#store.lastSeq,
      etag,
      projectId: job.request.projectId,
      ended: shown.finished_at !== null,
    }
  }

  /**
   * Executes a command, or refuses it. `delete` cancels an active job; for an ended one it begins the erasure, and
   * returns `job: null`.
   *
   * @param version the only version the command may apply to; sent by a former Worker in place of If-Match
   */
  async command(command: Command, ask: Ask, version: number | null = null): Promise<CommandAnswer> {
    const job = this.#holdsFor(ask)
    if (!job) return { ok: false, code: 'job_not_found', detail: 'There is no such job.' }
    const call = ask.requestId === null ? null : JSON.stringify([command, ask])
    const isRepeated = call !== null && call === this.#lastCommand
    const etag = this.#presenter.etag(job, Date.now())
    if (ask.ifMatch !== null && etag === null && !isRepeated)
      return { ok: false, code: 'job_deleting', detail: 'The job is being deleted.' }
    const isOther = ask.ifMatch !== null && etag !== null && !matchesState(ask.ifMatch, etag)
    if ((isOther && !isRepeated) || (version !== null && version !== job.version))
      return { ok: false, code: 'job_changed', detail: 'The job has another version by now.' }
    if (command.type === 'rewriteRow') this.#forgetMirrored()
    const { reply } = this.#runner.apply(command, ask.requestId)
    if (!reply.ok) return reply
    this.#lastCommand = call
    const text = this.#text()
    const shown = this.#shown()
    if (text && shown) return { ok: true, job: text, status: shown.status }
    return { ok: true, job: null, erasure: this.#job && erasureOf(this.#job) }
  }

  // Verbs of the lanes

  /** A place is reserved for the job for a while: it requests it at once, by its alarm. */
  async offer({ round, dispatch }: PlaceRef): Promise<'coming' | 'no'> {
    const next = { round, attempt: dispatch }
    if (!this.#job || !asksFor(this.#job, next)) return 'no'
    this.#runner.apply({ type: 'askDue', next })
    return 'coming'
  }

  /** The lane asks from time to time. A lost alarm is set again, as the sweep cannot while D1 is down. */
  async holds({ round, dispatch }: PlaceRef): Promise<boolean> {
    const isHeld = this.#job !== null && holdsPlace(this.#job, { round, attempt: dispatch })
    if (isHeld) await this.#runner.rearm()
    return isHeld
  }

  /** A GPU worker's report, its token already checked. `cancel` is true when there is no job. */
  async report(report: Report, requestId: string | null = null): Promise<ReportAnswer> {
    if (!this.#job) return { ok: true, cancel: true }
    const reply = this.#runner.apply(report, requestId).reply
    return reply.ok ? { ok: true, cancel: reply.cancel } : reply
  }

  /** RunPod's webhook, its signature already checked. Committed, or ignored as stale, when this returns. */
  async observe(fact: Extract<Fact, { type: 'observed' }>, requestId: string | null = null) {
    if (this.#job) this.#runner.apply(fact, requestId)
    return { ok: true } as const
  }

  /** A page of the event log. A former Worker passes `after` and `limit` as two numbers. */
  async events(page: number | LogPage, ask: number | Ask): Promise<EventsAnswer> {
    const { after, limit } = typeof page === 'number' ? { after: page, limit: Number(ask) } : page
    if (!this.#seenBy(typeof ask === 'number' ? FORMER : ask)) return { found: false }
    const { firstSeq, lastSeq } = this.#store
    const lines = this.#store.eventsAfter(after, Math.min(limit, MAX_EVENTS))
    const next = lines.at(-1)?.seq ?? after
    return { found: true, events: JSON.stringify(lines), next, firstSeq, lastSeq }
  }

  /** The complete state of the job and its actor, with a page of the log. Writes nothing. */
  async inspect(query: LogQuery, ask: Ask = FORMER): Promise<InspectAnswer> {
    const seen = this.#seenBy(ask)
    if (!seen) return { found: false, deleting: this.#holdsFor(ask) !== null }
    const parts = {
      shown: seen.shown,
      store: this.#store,
      sockets: this.#watchers.list(),
      line: this.#line.shown(),
      armedAt: this.#runner.armedAt,
      prices: pricesOf(this.#world.settings?.endpoints ?? new Map()),
    }
    const inspection = inspect(seen.job, parts, query, Date.now())
    return { found: true, projectId: seen.job.request.projectId, inspection: JSON.stringify(inspection) }
  }

  /** Called by the cron sweep for an overdue D1 row: sets a lost alarm again, and writes the row again. */
  async revive(): Promise<{ found: boolean }> {
    if (!this.#job) return { found: false }
    this.#forgetMirrored()
    await this.#runner.revive()
    return { found: true }
  }

  // Sockets

  /**
   * The WebSocket upgrade only, since an upgraded socket cannot be returned over RPC. The Worker alone builds its
   * address. For a watcher: `after` is the last event it has, `until` the instant (ms) at which the caller's token
   * expires, `project` the one that the caller is confined to. For a worker, `/line`: `round` and `attempt` of its
   * token.
   */
  override async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams: query } = new URL(request.url)
    const numberOf = (name: string) => (query.has(name) ? Number(query.get(name)) : null)
    if (pathname === '/line') {
      if (!this.#job) return new Response(null, { status: 404 })
      const ref = { round: numberOf('round') ?? 0, attempt: numberOf('attempt') ?? 0 }
      const { 0: client, 1: server } = new WebSocketPair()
      const taken = this.#line.accept(server, { ref, until: numberOf('until') ?? 0 }, Date.now())
      if (!taken) return new Response(null, { status: 401 })
      return new Response(null, { status: 101, webSocket: client, headers: { [LINE_HEADER]: taken } })
    }
    const seen = this.#seenBy({ projectId: numberOf('project') })
    if (!seen) return new Response(null, { status: 404 })
    const after = numberOf('after')
    const { firstSeq, lastSeq } = this.#store
    const known = after !== null && replayable(after, firstSeq, lastSeq)
    const events = known ? this.#store.eventsAfter(after, lastSeq - after) : null
    this.#askForWatcher(seen.job)
    return this.#watchers.accept(
      { after, until: numberOf('until') },
      seen.shown,
      { events, lastSeq },
      Date.now(),
    )
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    if (this.#isLine(socket)) this.#line.received(socket, message, Date.now())
    else this.#watchers.received(socket, message, Date.now())
  }

  override async webSocketClose(socket: WebSocket, code: number): Promise<void> {
    if (this.#isLine(socket)) this.#line.closed(socket, code, Date.now())
    else closed(socket, code)
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    await this.webSocketClose(socket, 1011)
  }

  /** Cached, because each message needs it and it is a call to the runtime. */
  #isLine(socket: WebSocket): boolean {
    const known = this.#lines.get(socket)
    if (known !== undefined) return known
    const isLine = this.ctx.getTags(socket).includes(LINE_TAG)
    this.#lines.set(socket, isLine)
    return isLine
  }

  /** The only place that performs effects. */
  override async alarm(): Promise<void> {
    if (this.#job) this.#store.life.wakes++
    // The runtime answered pings during hibernation, so their instants are applied now.
    for (const event of this.#line.seen()) this.#runner.apply(event)
    await this.#runner.ring()
  }

  /** Refreshes a queue position that has become old while there was no watcher. */
  #askForWatcher(job: Job): void {
    const { phase } = job
    if (!isIn(phase, 'asking') || !phase.queue || Date.now() - phase.queue.asOf < WATCHED_ASK_MS) return
    this.#runner.apply({ type: 'askDue', next: nextRef(job) })
  }

  /** The job, unless the caller is confined to another project. */
  #holdsFor({ projectId }: Pick<Ask, 'projectId'>): Job | null {
    const job = this.#job
    return job && (projectId === null || projectId === job.request.projectId) ? job : null
  }

  /** The job with its representations; null also while it is being deleted. */
  #seenBy(ask: Pick<Ask, 'projectId'>) {
    const job = this.#holdsFor(ask)
    const now = Date.now()
    const shown = job && this.#presenter.view(job, now)
    const text = job && this.#presenter.text(job, now)
    const etag = job && this.#presenter.etag(job, now)
    return job && shown && text && etag ? { job, shown, text, etag } : null
  }

  /** Notifies all watchers of a commit. */
  #tell({ before, step, events, now, requestId }: Change): void {
    const gone = step.job.phase.status === 'gone'
    if (step.job !== before && (gone || events.length > 0))
      logTransition(before, step.job, step.log, now, requestId)
    if (step.durable)
      this.#line.committed(
        step.job,
        step.log.map(({ type }) => type),
        now,
      )
    if (events.length > 0) this.#watchers.tellEvents(events, this.#shown(), now)
    else if (before && (before.progress !== step.job.progress || queueOf(before) !== queueOf(step.job)))
      this.#watchers.tellProgress(() => this.#latest(), now)
  }

  get #job(): Job | null {
    return this.#runner.job
  }

  #shown(): JobJson | null {
    return this.#job && this.#presenter.view(this.#job, Date.now())
  }

  #text(): JobText | null {
    return this.#job && this.#presenter.text(this.#job, Date.now())
  }

  #latest(): { seq: number; progress: JobProgress } | null {
    return this.#job && { seq: this.#store.lastSeq, progress: progressOf(this.#job) }
  }

  /** The next write to D1 names every column, since the cached row may be wrong. */
  #forgetMirrored(): void {
    if (this.#job) this.#world.mirrored.delete(this.#job.request)
  }

  #secondsToGone(now: number): number {
    const phase = this.#job?.phase
    return phase?.status === 'deleting' ? Math.max(1, Math.ceil((phase.until - now) / 1000)) : 1
  }
}

/**
 * One export job's actor: the only owner of its state. Its methods are the verbs; each decides by the pure core and
 * commits. The alarm alone acts: it wakes the job, performs what is asked, and applies each answer as the next event.
 */

import { DurableObject } from 'cloudflare:workers'
import type { JobJson, JobProgress } from '../../wire/job.ts'
import type { ActorEnv } from '../env.ts'
import { logFault, logTransition } from '../log.ts'
import { settingsOf } from '../settings.ts'
import type { Command, Event, Fact, Report, Step } from './core/events.ts'
import type { Job, JobRequest } from './core/job.ts'
import { wakeAt } from './core/schedule.ts'
import { accept, transition } from './core/transition.ts'
import { progressOf } from './core/view.ts'
import { erasureOf } from './erasure.ts'
import { redactedEvent } from './foreign-text.ts'
import { inspect } from './inspect.ts'
import { perform, settled, type World } from './perform.ts'
import { Presenter } from './present.ts'
import type {
  CommandAnswer,
  CreateAnswer,
  EventsAnswer,
  InspectAnswer,
  JobText,
  ReportAnswer,
  ViewAnswer,
} from './rpc.ts'
import { JobStore, type LogQuery } from './store.ts'
import { GONE, replayable, Watchers } from './watchers.ts'

/** One alarm works through at most this many rounds of effects before it rings again. */
const MOST_PASSES = 20
/** After an unexpected failure the alarm rings again after this pause. */
const AFTER_FAILURE_MS = 60_000
/** An alarm that is this late will not ring any more. */
const LOST_ALARM_MS = 60_000
const MOST_EVENTS = 1_000

export class ExportJob extends DurableObject<ActorEnv> {
  readonly #store: JobStore
  readonly #watchers: Watchers
  readonly #presenter: Presenter
  readonly #world: World
  #job: Job | null
  /** When the alarm rings; null when none is set, or while it runs. */
  #armedAt: number | null = null
  #alarmRuns = false

  constructor(ctx: DurableObjectState, env: ActorEnv) {
    super(ctx, env)
    const answer = settingsOf(env)
    const settings = answer.ok ? answer.settings : null
    this.#presenter = new Presenter(settings)
    this.#world = { env, settings, mirrored: new WeakMap() }
    this.#store = new JobStore(ctx.storage)
    this.#watchers = new Watchers(ctx)
    this.#job = this.#store.load()
    if (this.#job) void ctx.blockConcurrencyWhile(() => this.#heal())
  }

  // Verbs of the service. Each may be told the id of the HTTP request that it is part of, for the log.

  /** Accepts a job: durable when this returns. Repeat-safe; the caller compares the request's hash. */
  async create(request: JobRequest, requestId: string | null = null): Promise<CreateAnswer> {
    const now = Date.now()
    if (!this.#job) this.#commit(accept(request, now), now, requestId)
    const job = this.#text()
    if (!job || !this.#job) {
      const detail = 'A job with this idempotency key is being deleted; try again later.'
      return { ok: false, code: 'job_deleting', detail, retryAfterSeconds: this.#secondsToGone(now) }
    }
    const { requestHash } = this.#job.request
    return { ok: true, created: this.#job.version === 1, requestHash, job }
  }

  async view(): Promise<ViewAnswer> {
    const job = this.#text()
    const etag = this.#job && this.#presenter.etag(this.#job, Date.now())
    if (!job || !etag || !this.#job) return { found: false, deleting: this.#job !== null }
    return { found: true, job, version: this.#job.version, seq: this.#store.lastSeq, etag }
  }

  async cancel(by: string, requestId: string | null = null): Promise<CommandAnswer> {
    return this.#command({ type: 'cancel', by }, null, requestId)
  }

  /** Starts a new round of an ended job; its history stays. @param version the only one to do it to; null for any */
  async retry(by: string, version: number | null = null, requestId: string | null = null) {
    return this.#command({ type: 'retry', by }, version, requestId)
  }

  /** Cancels an active job; erases an ended one, and then answers `job: null`. @param version as of `retry` */
  async remove(by: string, version: number | null = null, requestId: string | null = null) {
    return this.#command({ type: 'delete', by }, version, requestId)
  }

  /** Sends a webhook again, whatever became of it. */
  async redeliver(id: string, by: string, requestId: string | null = null): Promise<CommandAnswer> {
    return this.#command({ type: 'redeliver', id, by }, null, requestId)
  }

  /** A GPU worker's report, its token already checked. A job that is gone tells the worker to stop. */
  async report(report: Report, requestId: string | null = null): Promise<ReportAnswer> {
    if (!this.#job) return { ok: true, cancel: true }
    const reply = this.#apply(report, requestId).reply
    return reply.ok ? { ok: true, cancel: reply.cancel } : reply
  }

  /** RunPod's webhook, its signature already checked. Committed, or found stale, when this returns. */
  async observe(fact: Extract<Fact, { type: 'observed' }>, requestId: string | null = null) {
    if (this.#job) this.#apply(fact, requestId)
    return { ok: true } as const
  }

  /** A page of the event log. */
  async events(after: number, limit: number): Promise<EventsAnswer> {
    if (!this.#shown()) return { found: false }
    const events = JSON.stringify(this.#store.eventsAfter(after, Math.min(limit, MOST_EVENTS)))
    return { found: true, events, firstSeq: this.#store.firstSeq, lastSeq: this.#store.lastSeq }
  }

  /** Everything about the job and its actor, with a page of the log. Writes nothing. */
  async inspect(query: LogQuery): Promise<InspectAnswer> {
    const shown = this.#shown()
    if (!this.#job || !shown) return { found: false, deleting: this.#job !== null }
    const parts = {
      shown,
      store: this.#store,
      sockets: this.#watchers.list(),
      armedAt: this.#armedAt,
      pricePerSecond: this.#world.settings?.gpuPricePerSecond ?? null,
    }
    const inspection = inspect(this.#job, parts, query, Date.now())
    return { found: true, projectId: shown.project_id, inspection: JSON.stringify(inspection) }
  }

  /** What an operator asks for by hand. */
  async intervene(command: Command, requestId: string | null = null): Promise<CommandAnswer> {
    if (command.type === 'rewriteRow') this.#forgetMirrored()
    return this.#command(command, null, requestId)
  }

  /** The sweep found the D1 row overdue: the alarm is set again if it was lost, and the row is written again. */
  async heal(): Promise<{ found: boolean }> {
    if (!this.#job) return { found: false }
    this.#forgetMirrored()
    this.#apply({ type: 'remirror' })
    await this.#heal()
    // One that should have rung long ago was lost as well, whatever the platform says.
    if (!this.#alarmRuns && this.#armedAt !== null && this.#armedAt < Date.now() - LOST_ALARM_MS) {
      await this.#arm(Date.now())
    }
    return { found: true }
  }

  // Watchers

  /**
   * The WebSocket upgrade, and nothing else: an upgraded socket cannot be answered over RPC. The Worker alone makes its
   * address: `after` is the last event known, `until` the instant (ms) at which the caller's token dies.
   */
  override async fetch(request: Request): Promise<Response> {
    const job = this.#shown()
    if (!job) return new Response(null, { status: 404 })
    const query = new URL(request.url).searchParams
    const numberOf = (name: string) => (query.has(name) ? Number(query.get(name)) : null)
    const after = numberOf('after')
    const { firstSeq, lastSeq } = this.#store
    const known = after !== null && replayable(after, firstSeq, lastSeq)
    const events = known ? this.#store.eventsAfter(after, lastSeq - after) : null
    return this.#watchers.accept({ after, until: numberOf('until') }, job, { events, lastSeq }, Date.now())
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    this.#watchers.received(socket, message, Date.now())
  }

  override async webSocketClose(socket: WebSocket, code: number): Promise<void> {
    this.#watchers.closed(socket, code)
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    this.#watchers.closed(socket, 1011)
  }

  // The alarm: the only place that acts

  /** Never throws for an expected failure and always sets the next alarm; rethrows only when it could not. */
  override async alarm(): Promise<void> {
    this.#armedAt = null
    this.#alarmRuns = true
    if (this.#job) this.#store.life.wakes++
    let failed = false
    try {
      await this.#work()
    } catch (error) {
      failed = true
      logFault('alarm', error, { job_id: this.#job?.request.id ?? '' })
    } finally {
      this.#alarmRuns = false
    }
    if (this.#job?.phase.status === 'gone') return this.#vanish(this.#job.request.id)
    const next = this.#job ? wakeAt(this.#job) : null
    if (next === null) return
    await this.#arm(failed ? Math.max(next, Date.now() + AFTER_FAILURE_MS) : next)
  }

  async #work(): Promise<void> {
    for (let pass = 0; pass < MOST_PASSES && this.#isDue(); pass++) {
      const { effects } = this.#apply({ type: 'wake' })
      const outcomes = await Promise.allSettled(
        effects.map(async (effect) => {
          const job = this.#job
          if (job) this.#apply(await perform(effect, job, this.#world))
        }),
      )
      // One that fails unexpectedly does not cut the others short.
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
    }
  }

  #isDue(): boolean {
    const at = this.#job ? wakeAt(this.#job) : null
    return at !== null && at <= Date.now()
  }

  // The one door

  #command(command: Command, version: number | null, requestId: string | null): CommandAnswer {
    if (!this.#job) return { ok: false, code: 'job_not_found', detail: 'There is no such job.' }
    if (version !== null && version !== this.#job.version)
      return { ok: false, code: 'job_changed', detail: 'The job has another version by now.' }
    const { reply } = this.#apply(command, requestId)
    if (!reply.ok) return reply
    const erasure = erasureOf(this.#job)
    return { ok: true, job: this.#text(), ...(erasure && { erasure }) }
  }

  #apply(event: Event, requestId: string | null = null): Step {
    const before = this.#job
    if (!before) throw new Error('There is no job to change.')
    const now = Date.now()
    const step = transition(before, redactedEvent(event, this.#world.settings), now)
    this.#commit(step, now, requestId)
    return step
  }

  /** Row, log lines and alarm are one transaction, and everyone is told what was committed. */
  #commit(step: Step, now: number, requestId: string | null): void {
    const before = this.#job
    if (step.job === before) return
    const gone = step.job.phase.status === 'gone'
    const events = step.durable && !gone ? this.#store.commit(step.job, step.log, now) : []
    this.#job = step.job
    if (!this.#alarmRuns) this.#armEarlier(wakeAt(step.job))
    if (gone || events.length > 0) logTransition(step.job, step.log, now, requestId)
    if (events.length > 0) {
      this.#watchers.tellEvents(events, this.#shown(), now)
    } else if (before && before.progress !== step.job.progress) {
      this.#watchers.tellProgress(() => this.#latest(), now)
    }
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

  /** Sets the alarm only when it must ring earlier than it would, so that progress reports write none. */
  #armEarlier(at: number | null): void {
    if (at !== null && (this.#armedAt === null || at < this.#armedAt)) void this.#arm(at)
  }

  #arm(at: number): Promise<void> {
    this.#armedAt = at
    return this.ctx.storage.setAlarm(at)
  }

  /** Sets the alarm again when the platform has lost it, or when a crash took along the progress that had put it off. */
  async #heal(): Promise<void> {
    this.#armedAt = await this.ctx.storage.getAlarm()
    if (this.#job && !this.#alarmRuns) this.#armEarlier(wakeAt(this.#job))
  }

  /** The row that names this actor to the sweep is settled last: until then a lost alarm is found by it. */
  async #vanish(jobId: string): Promise<void> {
    this.#watchers.closeAll(4404, GONE, Date.now())
    await this.#store.erase()
    this.#job = null
    this.#armedAt = null
    await settled(jobId, this.#world)
  }

  /** The next write to D1 names every column: what this actor believes of its row may be what is wrong. */
  #forgetMirrored(): void {
    if (this.#job) this.#world.mirrored.delete(this.#job.request)
  }

  #secondsToGone(now: number): number {
    const phase = this.#job?.phase
    return phase?.status === 'deleting' ? Math.max(1, Math.ceil((phase.until - now) / 1000)) : 1
  }
}

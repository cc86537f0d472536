/**
 * The loop that drives a job, independent of the platform: applies an event, commits the decision, arms the alarm, and
 * when it fires, performs what is due until nothing is. The actor supplies Cloudflare's storage and alarm; the
 * simulation supplies a disk and a clock that fail at every instruction.
 */
import type { EventJson, LogLine } from '../../wire/events.ts'
import type { Effect, Event, Fact, Step } from './core/events.ts'
import type { Job, JobRequest } from './core/job.ts'
import { wakeAt } from './core/schedule.ts'
import { accept, transition } from './core/transition.ts'

/** The most rounds of effects performed by one alarm before it is set again. */
const MAX_PASSES = 20
/** The pause before the alarm fires again after an unexpected failure. */
const AFTER_FAILURE_MS = 60_000
/** An alarm overdue by this much was lost. */
const LOST_ALARM_MS = 60_000

/** An applied event and its result. */
export interface Change {
  readonly before: Job | null
  /** Null for the creation of the job. */
  readonly event: Event | null
  readonly step: Step
  /** The stored log lines, with their numbers. */
  readonly events: readonly EventJson[]
  readonly now: number
  readonly requestId: string | null
}

/** The dependencies of the runner on the platform. Instants are milliseconds since 1970. */
export interface Ports {
  now(): number
  readonly store: {
    /** The committed job; null when there is none. */
    load(): Job | null
    /** Row and log lines, atomically. */
    commit(job: Job, log: readonly LogLine[], now: number): readonly EventJson[]
    /** Removes everything: the row, the log and the alarm. */
    erase(): Promise<void>
  }
  readonly alarm: {
    get(): Promise<number | null>
    /** Replaces the current alarm. */
    set(at: number): Promise<void>
  }
  /** Performs an effect. Never rejects for an expected failure, which is a fact as well. */
  perform(effect: Effect, job: Job): Promise<Fact>
  /** Removes secrets from the event before it is applied and stored. */
  redact(event: Event): Event
  /** Called after each event, committed or not. */
  tell(change: Change): void
  /** Called after `erase`. */
  vanished(jobId: string): Promise<void>
  /** Called for an unexpected failure, after which the alarm is set again. */
  fault(error: unknown, job: Job | null): void
}

export class Runner {
  readonly #ports: Ports
  #job: Job | null
  /** When the alarm fires; null when none is set, or while it is being handled. */
  #armedAt: number | null = null
  #alarmRuns = false

  constructor(ports: Ports) {
    this.#ports = ports
    this.#job = ports.store.load()
  }

  get job(): Job | null {
    return this.#job
  }

  get armedAt(): number | null {
    return this.#armedAt
  }

  /** Accepts a job, unless one exists: durable when this returns. */
  create(request: JobRequest, requestId: string | null): void {
    if (this.#job) return
    const now = this.#ports.now()
    this.#commit({ before: null, event: null, step: accept(request, now), now, requestId })
  }

  /**
   * The only entry for commands, reports and facts.
   *
   * @throws Error when there is no job
   */
  apply(event: Event, requestId: string | null = null): Step {
    const before = this.#job
    if (!before) throw new Error('There is no job to change.')
    const now = this.#ports.now()
    const redacted = this.#ports.redact(event)
    const step = transition(before, redacted, now)
    this.#commit({ before, event: redacted, step, now, requestId })
    return step
  }

  /** Handles the alarm. Throws only when the next alarm could not be set: then the platform retries it. */
  async ring(): Promise<void> {
    this.#armedAt = null
    this.#alarmRuns = true
    let failed = false
    try {
      await this.#work()
    } catch (error) {
      failed = true
      this.#ports.fault(error, this.#job)
    } finally {
      this.#alarmRuns = false
    }
    if (this.#job?.phase.status === 'gone') return this.#vanish(this.#job.request.id)
    const next = this.#job ? wakeAt(this.#job) : null
    if (next === null) return
    await this.#arm(failed ? Math.max(next, this.#ports.now() + AFTER_FAILURE_MS) : next)
  }

  /**
   * Sets the alarm again when the platform has lost it, or when a crash lost the progress that had delayed it.
   *
   * @param seen events restored from outside the actor's storage
   */
  async rearm(seen: readonly Event[] = []): Promise<void> {
    this.#armedAt = await this.#ports.alarm.get()
    for (const event of seen) this.apply(event)
    if (this.#job && !this.#alarmRuns) this.#armEarlier(wakeAt(this.#job))
  }

  /** Called by the cron sweep for an overdue D1 row: writes the row again, and sets a lost alarm again. */
  async revive(): Promise<void> {
    this.apply({ type: 'rowOverdue' })
    await this.rearm()
  }

  async #work(): Promise<void> {
    for (let pass = 0; pass < MAX_PASSES && this.#isDue(); pass++) {
      const { effects } = this.apply({ type: 'wake' })
      const outcomes = await Promise.allSettled(
        effects.map(async (effect) => {
          const job = this.#job
          if (job) this.apply(await this.#ports.perform(effect, job))
        }),
      )
      // All effects finish before an unexpected failure of one is thrown.
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
    }
  }

  #isDue(): boolean {
    const at = this.#job ? wakeAt(this.#job) : null
    return at !== null && at <= this.#ports.now()
  }

  /** Row, log lines and alarm are one transaction. */
  #commit(change: Omit<Change, 'events'>): void {
    const { before, step, now } = change
    const { job } = step
    const isStored = step.durable && job.phase.status !== 'gone'
    const events = isStored ? this.#ports.store.commit(job, step.log, now) : []
    this.#job = job
    if (job !== before && !this.#alarmRuns) this.#armEarlier(wakeAt(job))
    this.#ports.tell({ ...change, events })
  }

  /**
   * Sets the alarm only if it must fire earlier, so that progress reports write none. An alarm long overdue was lost,
   * even if the platform reports it as set.
   */
  #armEarlier(at: number | null): void {
    if (at === null) return
    const now = this.#ports.now()
    const armedAt = this.#armedAt ?? Number.POSITIVE_INFINITY
    if (armedAt > now && at < armedAt) void this.#arm(at)
    else if (armedAt < now - LOST_ALARM_MS) void this.#arm(Math.max(at, now))
  }

  #arm(at: number): Promise<void> {
    this.#armedAt = at
    return this.#ports.alarm.set(at)
  }

  async #vanish(jobId: string): Promise<void> {
    await this.#ports.store.erase()
    this.#job = null
    this.#armedAt = null
    await this.#ports.vanished(jobId)
  }
}

/**
 * A change to a job while it is being decided: collects the new state, the effects and the log lines, and turns them
 * into one Step. It is the only place where versions are counted and where the mirror comes to be owed.
 */
import type { LogLine } from '../../../wire/events.ts'
import type { Effect, Reply, Step } from './events.ts'
import type { Attempt, AttemptRef, Job, Outbox, Phase } from './job.ts'
import { MIRROR_SPACING_MS, PROGRESS_SAVE_MS } from './schedule.ts'

export class Draft {
  job: Job
  reply: Reply = { ok: true, cancel: false }
  readonly effects: Effect[] = []
  readonly log: LogLine[] = []
  readonly now: number
  readonly #before: Job
  /** The shown job changed: a new version. */
  #changed = false
  /** Something must be written, shown or not. */
  #stored = false
  #mirrorOwed = false

  constructor(job: Job, now: number) {
    this.job = job
    this.#before = job
    this.now = now
  }

  /** Goes to another phase; a change that a list shows makes the mirror owed. */
  enter(phase: Phase): void {
    if (phase.status !== this.job.phase.status) this.#mirrorOwed = true
    this.#set({ phase })
  }

  /** A new round has the deadline of its policy again. */
  beginRound(round: number): void {
    const { extendedDeadlineAt: _, ...rest } = this.job
    const breaker = { level: 0, at: this.now, tripped: false, strikes: 0 }
    this.job = { ...rest, round, roundStartedAt: this.now, breaker }
    this.#changed = true
  }

  set(changes: Partial<Pick<Job, 'extendedDeadlineAt' | 'attempts' | 'breaker'>>): void {
    this.#set(changes)
  }

  /** Housekeeping towards the outside: stored, but no new version of what is shown. */
  owe(changes: Partial<Outbox>): void {
    this.job = { ...this.job, outbox: { ...this.job.outbox, ...changes } }
    this.#stored = true
  }

  progress(progress: Job['progress']): void {
    this.job = { ...this.job, progress }
    // A clock that was set back must not keep progress from being stored.
    const due = Math.abs(this.now - this.#before.savedAt) >= PROGRESS_SAVE_MS
    if (due || progress.stage !== this.#before.progress.stage) this.#changed = true
  }

  /**
   * Moves a clock whose call is repeatable, without making the change durable: a crash then merely repeats the call.
   */
  lease(changes: { phase?: Phase; outbox?: Partial<Outbox>; attempts?: readonly Attempt[] }): void {
    this.job = {
      ...this.job,
      ...(changes.phase && { phase: changes.phase }),
      ...(changes.attempts && { attempts: changes.attempts }),
      ...(changes.outbox && { outbox: { ...this.job.outbox, ...changes.outbox } }),
    }
  }

  /** Counts of the breaker ride along with whatever is stored next. */
  breaker(breaker: Job['breaker']): void {
    this.job = { ...this.job, breaker }
  }

  /** Rides along with the change that made it. */
  tally(deliveries: NonNullable<Job['deliveries']>): void {
    this.job = { ...this.job, deliveries }
  }

  attempt(ref: AttemptRef, changes: Partial<Attempt>): void {
    this.#set({ attempts: replaceAttempt(this.job.attempts, ref, changes) })
  }

  remirror(): void {
    this.#stored = true
    this.#mirrorOwed = true
  }

  /** A line of the log: a new version of what is shown. */
  note(line: LogLine): void {
    this.log.push(line)
    this.#changed = true
  }

  ask(effect: Effect): void {
    this.effects.push(effect)
  }

  done(): Step {
    const { effects, log, reply } = this
    if (!this.#changed && !this.#stored) return { job: this.job, effects, log, reply, durable: false }
    const version = this.job.version + (this.#changed ? 1 : 0)
    let job: Job = { ...this.job, version, savedAt: this.now }
    // What an ended job still learns (RunPod's figures, a late confirmation) belongs into the list as well.
    if (this.#changed && 'endedAt' in job.phase) this.#mirrorOwed = true
    if (this.#mirrorOwed && job.phase.status !== 'deleting' && job.phase.status !== 'gone') {
      job = { ...job, outbox: { ...job.outbox, mirror: { version, dueAt: this.#mirrorDueAt(), tries: 0 } } }
    }
    return { job, effects, log, reply, durable: true }
  }

  /** An end is mirrored at once; what happens between birth and end is coalesced. */
  #mirrorDueAt(): number {
    const { phase, outbox, request } = this.job
    if ('endedAt' in phase) return this.now
    return Math.max(this.now, (outbox.mirroredAt ?? request.createdAt) + MIRROR_SPACING_MS)
  }

  #set(changes: Partial<Job>): void {
    this.job = { ...this.job, ...changes }
    this.#changed = true
  }
}

export function replaceAttempt(
  attempts: readonly Attempt[],
  ref: AttemptRef,
  changes: Partial<Attempt>,
): readonly Attempt[] {
  return attempts.map((attempt) => (sameRef(attempt, ref) ? { ...attempt, ...changes } : attempt))
}

export function sameRef(a: AttemptRef, b: AttemptRef): boolean {
  return a.round === b.round && a.attempt === b.attempt
}

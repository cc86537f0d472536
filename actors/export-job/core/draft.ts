/**
 * Collects the changes of one decision (the new state, the effects and the log lines) and turns them into a Step. Only
 * here are versions counted and mirror writes made owed.
 *
 * A patch has one of three durabilities: `change` is stored and shown, `keep` is stored, `lease` stays in memory. A
 * later, more durable patch stores the earlier ones as well.
 */
import type { LogLine } from '../../../wire/events.ts'
import { replaceAttempt } from './attempts.ts'
import type { Effect, RefusalCode, Reply, Step } from './events.ts'
import type { Attempt, AttemptRef, Job, Outbox, Phase } from './job.ts'
import { waitingSince } from './phase.ts'
import { IDLE_MS, MIRROR_SPACING_MS, PROGRESS_SAVE_MS } from './policy.ts'

/** Parts of a job to be replaced; of the outbox only the named fields. */
type Patch = Partial<Omit<Job, 'request' | 'version' | 'savedAt' | 'outbox'>> & { outbox?: Partial<Outbox> }

export class Draft {
  job: Job
  reply: Reply = { ok: true, cancel: false }
  readonly effects: Effect[] = []
  readonly log: LogLine[] = []
  readonly now: number
  readonly #before: Job
  #changed = false
  #kept = false
  #mirrorOwed = false

  constructor(job: Job, now: number) {
    this.job = job
    this.#before = job
    this.now = now
  }

  /** Changes what is shown: stored, under a new version. */
  change(patch: Patch): void {
    this.lease(patch)
    this.#changed = true
  }

  /** Internal bookkeeping: stored, without a new version. */
  keep(patch: Patch): void {
    this.lease(patch)
    this.#kept = true
  }

  /** In memory until the next durable step: after a crash, a call is repeated or a count is lost. */
  lease({ outbox, ...rest }: Patch): void {
    this.job = { ...this.job, ...rest, ...(outbox && { outbox: { ...this.job.outbox, ...outbox } }) }
  }

  /** Whether the step is stored, according to the changes so far. */
  get isDurable(): boolean {
    return this.#changed || this.#kept
  }

  /** Enters another phase; a changed status makes the mirror owed. */
  enter(phase: Phase): void {
    if (phase.status !== this.job.phase.status) this.#mirrorOwed = true
    this.change({ phase })
  }

  /** A new round has the deadline of its policy, without an extension. */
  beginRound({
    phase,
    ...round
  }: Pick<Job, 'round' | 'roundStartedAt' | 'phase' | 'progress' | 'breaker'>): void {
    const { extendedDeadlineAt: _deadline, refusals: _refusals, ...rest } = this.job
    this.job = rest
    this.change(round)
    this.enter(phase)
  }

  attempt(ref: AttemptRef, changes: Partial<Attempt>): void {
    this.change({ attempts: replaceAttempt(this.job.attempts, ref, changes) })
  }

  /**
   * Stored at most every PROGRESS_SAVE_MS, with every new stage, and where the actor may leave memory before the next
   * report, as it may have done since the last one: a percentage that was shown would fall.
   *
   * @param outlivesSleep whether the socket that it came by keeps it
   */
  progress(progress: Job['progress'], outlivesSleep = false): void {
    this.lease({ progress })
    const { reportedAt } = this.#before.progress
    const mayForget = !outlivesSleep && reportedAt !== null && Math.abs(this.now - reportedAt) >= IDLE_MS
    // Absolute, so that a clock that was set back does not stop progress from being stored.
    const due = Math.abs(this.now - this.#before.savedAt) >= PROGRESS_SAVE_MS
    if (due || mayForget || progress.stage !== this.#before.progress.stage) this.#changed = true
  }

  /** Owes the D1 row, whether or not its content has changed. */
  rewriteRow(): void {
    this.#kept = true
    this.#mirrorOwed = true
  }

  /** Adds a line to the log, which makes a new version. */
  note(line: LogLine): void {
    this.log.push(line)
    this.#changed = true
  }

  ask(effect: Effect): void {
    this.effects.push(effect)
  }

  refuse(code: RefusalCode, detail: string): void {
    this.reply = { ok: false, code, detail }
  }

  done(): Step {
    const { effects, log, reply } = this
    if (!this.#changed && !this.#kept) return { job: this.job, effects, log, reply, durable: false }
    const version = this.job.version + (this.#changed ? 1 : 0)
    let job: Job = { ...this.job, version, savedAt: this.now }
    // Facts about an ended job (RunPod's figures, a late confirmation) are written to the list as well.
    if (this.#changed && 'endedAt' in job.phase) this.#mirrorOwed = true
    if (waitingSince(job) !== waitingSince(this.#before)) this.#mirrorOwed = true
    if (this.#mirrorOwed && job.phase.status !== 'deleting' && job.phase.status !== 'gone') {
      job = { ...job, outbox: { ...job.outbox, mirror: { version, dueAt: this.#mirrorDueAt(), tries: 0 } } }
    }
    return { job, effects, log, reply, durable: true }
  }

  /** An end is mirrored at once; earlier changes are coalesced. */
  #mirrorDueAt(): number {
    const { phase, outbox, request } = this.job
    if ('endedAt' in phase) return this.now
    return Math.max(this.now, (outbox.mirroredAt ?? request.createdAt) + MIRROR_SPACING_MS)
  }
}

/**
 * A story in chronological order: `given(job).when(event, at).then({ status: 'queued' })`. Every job and event is
 * frozen, so a transition that modifies its input throws.
 */
import { expect } from 'vitest'
import type { Effect, Event, Step } from '../../../actors/export-job/core/events.ts'
import type {
  Attempt,
  AttemptRef,
  Failure,
  Job,
  Outbox,
  Phase,
  Progress,
} from '../../../actors/export-job/core/job.ts'
import { wakeAt } from '../../../actors/export-job/core/schedule.ts'
import { transition } from '../../../actors/export-job/core/transition.ts'
import { ENDPOINT, frozen, placeGranted, T0, WAKE } from './builders.ts'

/** The expected result of the last step; only the fields given are compared. */
export interface Outcome {
  status?: Phase['status']
  step?: string
  phase?: object
  /** Types of the effects, all of them, in order. */
  effects?: Effect['type'][]
  /** Types of the log lines, all of them, in order. */
  log?: string[]
  durable?: boolean
  reply?: object
  /** The job is the identical object, and there are no effects. */
  unchanged?: true
  /** Fields of the newest attempt. */
  attempt?: Partial<Omit<Attempt, 'failure'>> & { failure?: Partial<Failure> | null }
  attempts?: number
  progress?: Partial<Progress>
  outbox?: { [K in keyof Outbox]?: Outbox[K] extends infer O ? (O extends object ? Partial<O> : O) : never }
  wakeAt?: number | null
}

/** Bounds stories in loops, so that they fail rather than hang when their end condition is broken. */
const MAX_STEPS = 10_000

export class Story {
  readonly job: Job
  readonly now: number
  readonly last: Step | null
  readonly #before: Job | null
  readonly #steps: number

  constructor(job: Job, now: number, last: Step | null = null, before: Job | null = null, steps = 0) {
    this.job = frozen(job)
    this.now = now
    this.last = last
    this.#before = before
    this.#steps = steps
  }

  when(event: Event, at = this.now): Story {
    if (this.#steps >= MAX_STEPS)
      throw new Error(`The story has no end: it is ${this.job.phase.status} still.`)
    const step = transition(this.job, frozen(event), at)
    return new Story(step.job, at, step, this.job, this.#steps + 1)
  }

  /** The alarm fires when it is due, or at `at`. */
  wakes(at = this.dueAt()): Story {
    return this.when(WAKE, at)
  }

  /** The alarm fires, and its ask is granted: the next attempt is committed and sent. */
  dispatches(at = this.dueAt(), endpoint = ENDPOINT): Story {
    const asked = this.wakes(at)
    return asked.when(placeGranted(asked.effect('ask').next, endpoint)).wakes()
  }

  /** When the alarm fires next. */
  dueAt(): number {
    return Math.max(this.now, wakeAt(this.job) ?? this.now)
  }

  effect<T extends Effect['type']>(type: T): Extract<Effect, { type: T }> {
    const found = this.last?.effects.find(
      (effect): effect is Extract<Effect, { type: T }> => effect.type === type,
    )
    if (!found)
      throw new Error(`no effect ${type}: ${this.last?.effects.map((effect) => effect.type).join(', ')}`)
    return found
  }

  logged(type: string): { ref: AttemptRef | null; data: object } {
    const line = this.last?.log.find((each) => each.type === type)
    if (!line) throw new Error(`no log line ${type}: ${this.last?.log.map((each) => each.type).join(', ')}`)
    return line
  }

  attempt(number: number, round = this.job.round): Attempt {
    const found = this.job.attempts.find((each) => each.attempt === number && each.round === round)
    if (!found) throw new Error(`no attempt ${round}-${number}`)
    return found
  }

  // biome-ignore lint/suspicious/noThenProperty: given, when, then; a story is never awaited
  then(outcome: Outcome): Story {
    const { job, last } = this
    if (outcome.status !== undefined) expect(job.phase.status).toBe(outcome.status)
    if (outcome.step !== undefined) expect(job.phase).toMatchObject({ step: outcome.step })
    if (outcome.phase !== undefined) expect(job.phase).toMatchObject(outcome.phase)
    if (outcome.effects !== undefined) expect(last?.effects.map((each) => each.type)).toEqual(outcome.effects)
    if (outcome.log !== undefined) expect(last?.log.map((each) => each.type)).toEqual(outcome.log)
    if (outcome.durable !== undefined) expect(last?.durable).toBe(outcome.durable)
    if (outcome.reply !== undefined) expect(last?.reply).toMatchObject(outcome.reply)
    if (outcome.attempt !== undefined) expect(job.attempts.at(-1)).toMatchObject(outcome.attempt)
    if (outcome.attempts !== undefined) expect(job.attempts).toHaveLength(outcome.attempts)
    if (outcome.progress !== undefined) expect(job.progress).toMatchObject(outcome.progress)
    if (outcome.outbox !== undefined) expect(job.outbox).toMatchObject(outcome.outbox)
    if (outcome.wakeAt !== undefined) expect(wakeAt(job)).toBe(outcome.wakeAt)
    if (outcome.unchanged) {
      expect(job).toBe(this.#before)
      expect(last).toMatchObject({ effects: [], log: [], durable: false })
    }
    return this
  }
}

export function given(job: Job | Story, now = T0): Story {
  return job instanceof Story ? job : new Story(job, now)
}

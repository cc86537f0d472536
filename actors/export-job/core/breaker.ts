/**
 * Guards against an alarm that fires endlessly. Wakes fill a leaky bucket; when it overflows, they are spaced at least
 * a minute apart, and a job that would still wake sooner ten times in a row ends as `runaway`.
 */
import type { Draft } from './draft.ts'
import { endInError } from './endings.ts'
import type { Job } from './job.ts'
import { isUnfinished } from './phase.ts'
import { MINUTE, POLICY_BOUNDS } from './policy.ts'
import { failure } from './verdicts.ts'

/**
 * The bucket drains by one wake every `drainMs`: twice as fast as the shortest clock of a policy, so that polls by that
 * clock, with those that fail and the list's row beside them, never fill it. Above `capacity` the breaker trips: wakes
 * are then at least `spacingMs` apart, and `strikes` wakes in a row that were due sooner end the job.
 */
export const BREAKER = {
  capacity: 60,
  drainMs: POLICY_BOUNDS.stallTimeoutMs.least / 2,
  spacingMs: MINUTE,
  strikes: 10,
} as const

/** True when the breaker delays this wake. */
export function throttled(job: Job, now: number): boolean {
  return job.breaker.tripped && now < job.breaker.at + BREAKER.spacingMs
}

/** True when the job would have woken sooner without the breaker. All leases have been resolved after the spacing. */
export function isEager(job: Job, dueAt: number): boolean {
  return job.breaker.tripped && dueAt < job.breaker.at + BREAKER.spacingMs
}

/** Counts a wake that found something due. */
export function tickBreaker(draft: Draft): void {
  const { breaker } = draft.job
  const drained = Math.max(0, breaker.level - Math.max(0, draft.now - breaker.at) / BREAKER.drainMs)
  // Stored with the next durable step.
  draft.lease({ breaker: { ...breaker, level: drained + 1, at: draft.now } })
}

/** Trips the breaker, resets it or counts a strike, depending on whether the wake was due sooner. */
export function settleBreaker(draft: Draft, eager: boolean): void {
  const { breaker, phase } = draft.job
  if (!breaker.tripped) {
    if (breaker.level <= BREAKER.capacity) return
    draft.change({ breaker: { ...breaker, tripped: true, strikes: 0 } })
    draft.note({ type: 'wakes_throttled', ref: null, data: { spacing_seconds: BREAKER.spacingMs / 1000 } })
    return
  }
  if (!eager) {
    return draft.change({ breaker: { level: 0, at: draft.now, tripped: false, strikes: 0 } })
  }
  const strikes = breaker.strikes + 1
  draft.change({ breaker: { ...breaker, strikes } })
  if (strikes >= BREAKER.strikes && isUnfinished(phase)) {
    endInError(
      draft,
      failure('runaway', 'The job woke far more often than its clocks explain and was stopped.', false),
    )
  }
}

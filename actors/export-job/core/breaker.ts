/**
 * The guard against an alarm that rings for ever. Wakes fill a leaky bucket; when it overflows they are held at least
 * a minute apart, and a job that still wants to wake sooner ten times in a row ends as `runaway`.
 */
import type { Draft } from './draft.ts'
import { endInError } from './endings.ts'
import type { Job } from './job.ts'
import { BREAKER } from './schedule.ts'
import { failure } from './verdicts.ts'

/** True when the breaker holds this wake back. */
export function throttled(job: Job, now: number): boolean {
  return job.breaker.tripped && now < job.breaker.at + BREAKER.spacingMs
}

/** True when the job would have woken sooner, had the breaker not held it back. Leases are answered by then. */
export function isEager(job: Job, dueAt: number): boolean {
  return job.breaker.tripped && dueAt < job.breaker.at + BREAKER.spacingMs
}

/** Counts a wake that found something due. */
export function tickBreaker(draft: Draft): void {
  const { breaker } = draft.job
  const drained = Math.max(0, breaker.level - Math.max(0, draft.now - breaker.at) / BREAKER.drainMs)
  draft.breaker({ ...breaker, level: drained + 1, at: draft.now })
}

/** Trips, relaxes or strikes, by when the job wanted to wake. */
export function settleBreaker(draft: Draft, eager: boolean): void {
  const { breaker, phase } = draft.job
  if (!breaker.tripped) {
    if (breaker.level <= BREAKER.capacity) return
    draft.set({ breaker: { ...breaker, tripped: true, strikes: 0 } })
    draft.note({ type: 'wakes_throttled', ref: null, data: { spacing_seconds: BREAKER.spacingMs / 1000 } })
    return
  }
  if (!eager) {
    return draft.set({ breaker: { level: 0, at: draft.now, tripped: false, strikes: 0 } })
  }
  const strikes = breaker.strikes + 1
  draft.set({ breaker: { ...breaker, strikes } })
  const active =
    phase.status === 'pending' ||
    phase.status === 'queued' ||
    phase.status === 'processing' ||
    phase.status === 'cancelling'
  if (strikes >= BREAKER.strikes && active) {
    endInError(
      draft,
      failure('runaway', 'The job woke far more often than its clocks explain and was stopped.', false),
    )
  }
}

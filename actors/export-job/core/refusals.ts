/**
 * Dispatches refused for a cause outside the job. Each is an attempt with its own number, token and key, since the
 * refusal may be wrong, but does not count towards `max_attempts`. Equal refusals in a row share a line of the log.
 */
import { refOf } from './attempts.ts'
import type { Draft } from './draft.ts'
import type { Signal } from './events.ts'
import { iso } from './iso.ts'
import type { Attempt, AttemptRef } from './job.ts'
import { refusalPauseMs } from './policy.ts'
import { oweCancel } from './remote.ts'

type Refused = Pick<Extract<Signal, { type: 'dispatchRefused' }>, 'failure' | 'cause' | 'retryAfterMs'>

/** Delays the next attempt by a pause that grows with each refusal in a row, and is at least RunPod's `retry-after`. */
export function postpone(draft: Draft, attempt: Attempt, { failure, cause, retryAfterMs }: Refused): void {
  const { now, job } = draft
  const ref = refOf(attempt)
  const before = job.refusals ?? { since: now, code: null, times: 0, tries: 0 }
  const isRepeat = before.code === failure.code
  const pauseMs = refusalPauseMs(cause, `${job.request.id}:${ref.round}:refused`, before.tries)
  const nextAttemptAt = now + Math.max(retryAfterMs ?? 0, pauseMs)
  if (!isRepeat) {
    announce(draft, ref)
    const data = { ...failure, counts: false, next_attempt_at: iso(nextAttemptAt) }
    draft.note({ type: 'attempt_failed', ref, data })
  }
  const refusals = isRepeat ? { ...before, times: before.times + 1 } : { since: now, times: 1 }
  draft.change({ refusals: { ...refusals, code: failure.code, tries: before.tries + 1 } })
  draft.attempt(ref, { endedAt: now, failure, uncounted: true })
  oweCancel(draft, ref)
  const phase = { status: 'pending', step: 'waiting', nextAttemptAt, failure } as const
  // Storage is checked before `/run` is called, so that no file can exist.
  const look = cause === 'storage' ? 'done' : 'owed'
  draft.enter({ ...phase, look, lookTries: 0, exhausted: false })
}

/** After a refusal, the first log line of an attempt is delayed until its outcome differs from that refusal. */
export function announce(draft: Draft, ref: AttemptRef): void {
  if (!draft.job.refusals) return
  closeRefusals(draft)
  const data = { max_attempts: draft.job.request.policy.maxAttempts }
  draft.note({ type: 'attempt_started', ref: refOf(ref), data })
}

/** Ends a series of refusals: those without a log line of their own share one. */
export function closeRefusals(draft: Draft): void {
  const { refusals } = draft.job
  if (!refusals) return
  draft.change({ refusals: null })
  const { code, times, since } = refusals
  if (times > 1) draft.note({ type: 'refused_again', ref: null, data: { code, times, since_at: iso(since) } })
}

/** RunPod accepted the attempt in spite of its refusal, so it counts. */
export function countAfterAll(draft: Draft, attempt: Attempt): void {
  if (attempt.uncounted) draft.attempt(attempt, { uncounted: false })
  closeRefusals(draft)
}

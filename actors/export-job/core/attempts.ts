/** An attempt's life on our side: it begins, counts as open, and is given up. */
import type { LineOf, RunSource } from '../../../wire/events.ts'
import type { Draft } from './draft.ts'
import { endInError } from './endings.ts'
import { iso } from './iso.ts'
import type { Attempt, Failure, Job } from './job.ts'
import { oweCancel, refOf } from './remote.ts'
import {
  backoffMs,
  CALL_LIMITS,
  DISPATCH_GRACE_MS,
  DISPATCH_SLACK_MS,
  MAX_ATTEMPTS_KEPT,
  retrySeed,
  ttlMs,
} from './schedule.ts'

/** The newest attempt of this round; null before the first dispatch of the round. */
export function latestAttempt(job: Job): Attempt | null {
  const last = job.attempts.at(-1)
  return last && last.round === job.round ? last : null
}

/** The attempt whose reports count: the latest, not given up, in a job that is under way. */
export function openAttempt(job: Job): Attempt | null {
  const { phase } = job
  const latest = latestAttempt(job)
  const underWay =
    phase.status === 'queued' ||
    phase.status === 'processing' ||
    (phase.status === 'pending' && phase.step === 'dispatching')
  return underWay && latest && latest.endedAt === null ? latest : null
}

/** Commits the next attempt; only after that may `/run` be called. */
export function beginAttempt(draft: Draft): void {
  const { job, now } = draft
  const { request } = job
  const number = (latestAttempt(job)?.attempt ?? 0) + 1
  const attempt: Attempt = {
    round: job.round,
    attempt: number,
    outputKey: `output/${request.id}/${job.round}-${number}.${request.output.extension}`,
    startedAt: now,
    ttlEndsAt: now + DISPATCH_SLACK_MS + CALL_LIMITS.runMs + ttlMs(request.policy),
    runpodJobId: null,
    remote: 'unknown',
    remoteEndedAt: null,
    queuedAt: null,
    runningAt: null,
    endedAt: null,
    failure: null,
    usage: null,
    cancel: null,
    late: { progress: 0, complete: 0, error: 0 },
  }
  draft.set({ attempts: forgetOldest([...job.attempts, attempt]) })
  draft.progress({ percent: 0, stage: null, message: null, etaMs: null, reportedAt: null })
  const graceUntil = now + CALL_LIMITS.runMs + DISPATCH_GRACE_MS
  draft.enter({ status: 'pending', step: 'dispatching', graceUntil, ambiguous: false })
  draft.note({
    type: 'attempt_started',
    ref: refOf(attempt),
    data: { max_attempts: request.policy.maxAttempts },
  })
  draft.ask({ type: 'dispatch', attempt })
}

/** Drops the oldest attempts for which nothing is owed any more, above the limit. */
function forgetOldest(attempts: readonly Attempt[]): readonly Attempt[] {
  const spare = Math.max(0, attempts.length - MAX_ATTEMPTS_KEPT)
  const settled = attempts.filter((attempt) => attempt.remote === 'ended').slice(0, spare)
  return attempts.filter((attempt) => !settled.includes(attempt))
}

/**
 * Gives up on the latest attempt. A retryable failure leads to the next attempt after a backoff, or, when none is
 * left, to one last look for a finished file; any other ends the job at once.
 *
 * `outputMayExist: false` says that this attempt can have left no file; `retryAfterMs`, what RunPod asked for, wins
 * over the backoff; `last: true` has no other attempt follow, whatever is left; `source` is who said that it failed, for
 * the log.
 */
export function giveUp(
  draft: Draft,
  attempt: Attempt,
  failure: Failure,
  options: {
    outputMayExist?: boolean
    retryAfterMs?: number | null
    last?: boolean
    source?: RunSource
  } = {},
): void {
  const { now } = draft
  const ref = refOf(attempt)
  const { code, message, retryable } = failure
  const exhausted = options.last === true || attempt.attempt >= draft.job.request.policy.maxAttempts
  const look = options.outputMayExist === false ? 'done' : 'owed'
  const hopeless = !retryable || (exhausted && look === 'done')
  const pause = options.retryAfterMs ?? backoffMs(retrySeed(draft.job, ref), attempt.attempt - 1)
  const nextAttemptAt = exhausted ? now : now + pause

  draft.attempt(ref, { endedAt: now, failure })
  oweCancel(draft, ref)
  const retries = !hopeless && !exhausted
  const data: LineOf<'attempt_failed'>['data'] = { code, message, retryable }
  if (options.source) data.source = options.source
  if (retries) data.next_attempt_at = iso(nextAttemptAt)
  draft.note({ type: 'attempt_failed', ref, data })
  if (hopeless) endInError(draft, failure)
  else
    draft.enter({ status: 'pending', step: 'waiting', nextAttemptAt, failure, look, lookTries: 0, exhausted })
}

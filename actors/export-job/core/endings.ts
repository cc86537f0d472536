/** Ends attempts and jobs, and makes owed what follows from either. */
import type { Asked, LineOf, RunSource } from '../../../wire/events.ts'
import { countedAttempts, latestAttempt, refOf, sameRef } from './attempts.ts'
import { budgetExceeded, budgetLeftMs } from './budget.ts'
import { lastUploadEndsAt } from './clock.ts'
import type { Draft } from './draft.ts'
import { iso } from './iso.ts'
import type { Attempt, AttemptRef, Failure, StoredObject } from './job.ts'
import { backoffMs, CANCEL_GIVE_UP_MS } from './policy.ts'
import { closeRefusals, countAfterAll } from './refusals.ts'
import { mayRunRemotely, oweCancel } from './remote.ts'

/**
 * Gives up on the latest attempt. A retryable failure leads to the next attempt after a backoff, or, when the attempts
 * or the GPU budget are used up, to one last check for a finished file; any other ends the job at once.
 *
 * `outputMayExist: false`: this attempt cannot have left a file. `last: true`: no other attempt follows, even if some
 * are left. `source` is the origin of the failure and `asked` the requester, both for the log.
 */
export function giveUp(
  draft: Draft,
  attempt: Attempt,
  failure: Failure,
  options: {
    outputMayExist?: boolean
    last?: boolean
    source?: RunSource
    pauseMs?: number
    asked?: Asked
  } = {},
): void {
  const { now, job } = draft
  const ref = refOf(attempt)
  const { code, message, retryable } = failure
  const counted = countedAttempts(job)
  const look = options.outputMayExist === false ? 'done' : 'owed'
  const seed = `${job.request.id}:${ref.round}:${ref.attempt}`

  draft.attempt(ref, { endedAt: now, failure })
  oweCancel(draft, ref)
  const spent = retryable && budgetLeftMs(draft.job, now) === 0
  const exhausted = options.last === true || spent || counted >= job.request.policy.maxAttempts
  const final = !retryable || (exhausted && look === 'done')
  const nextAttemptAt = exhausted ? now : now + (options.pauseMs ?? backoffMs(seed, counted - 1))
  const why = spent && code !== 'budget_exceeded' ? budgetExceeded(job, failure) : failure
  const data: LineOf<'attempt_failed'>['data'] = { code, message, retryable, ...options.asked }
  if (options.source) data.source = options.source
  if (!final && !exhausted) data.next_attempt_at = iso(nextAttemptAt)
  draft.note({ type: 'attempt_failed', ref, data })
  if (final) endInError(draft, why)
  else
    draft.enter({
      status: 'pending',
      step: 'waiting',
      nextAttemptAt,
      failure: why,
      look,
      lookTries: 0,
      exhausted,
    })
}

/** Whether attempts and budget are left for another attempt. */
export function anotherFollows({ job, now }: Draft): boolean {
  return countedAttempts(job) < job.request.policy.maxAttempts && budgetLeftMs(job, now) > 0
}

/** @param message the worker's remark about the result; null without one */
export function endComplete(
  draft: Draft,
  winner: Attempt,
  output: StoredObject,
  message: string | null = null,
): void {
  const { now } = draft
  const ref = refOf(winner)
  countAfterAll(draft, winner)
  draft.attempt(ref, { endedAt: now, failure: null })
  draft.progress({ ...draft.job.progress, percent: 100, stage: null, message, etaMs: 0 })
  draft.enter({ status: 'complete', endedAt: now, output, winner: ref, expiresAt: expiresAt(draft) })
  draft.note({ type: 'complete', ref, data: { output_video_key: output.key, size_bytes: output.size } })
  oweEnd(draft, ref)
}

export function endInError(draft: Draft, failure: Failure): void {
  const { now } = draft
  closeRefusals(draft)
  draft.enter({ status: 'error', endedAt: now, failure, expiresAt: expiresAt(draft) })
  draft.note({ type: 'error', ref: null, data: { ...failure } })
  oweEnd(draft, null)
}

export function endCancelled(draft: Draft, askedAt: number, confirmed: boolean): void {
  const { now } = draft
  closeRefusals(draft)
  draft.enter({ status: 'cancelled', askedAt, endedAt: now, confirmed, expiresAt: expiresAt(draft) })
  draft.note({ type: 'cancelled', ref: null, data: { confirmed } })
  oweEnd(draft, null)
}

/** Owes a cancel for every run that may exist at RunPod; the job is cancelled at once when there is none. */
export function beginCancel(draft: Draft): void {
  const { job, now } = draft
  const latest = latestAttempt(job)
  if (latest && latest.endedAt === null) draft.attempt(latest, { endedAt: now })
  for (const attempt of draft.job.attempts) oweCancel(draft, attempt)
  if (!mayRunRemotely(draft.job, now)) return endCancelled(draft, now, true)
  draft.enter({ status: 'cancelling', askedAt: now, giveUpAt: now + CANCEL_GIVE_UP_MS })
}

/** Ends `cancelling` once no run can exist at RunPod any more, and records a late confirmation. */
export function settleCancelling(draft: Draft): void {
  const { job, now } = draft
  const { phase } = job
  if (mayRunRemotely(job, now)) return
  if (phase.status === 'cancelling') endCancelled(draft, phase.askedAt, true)
  else if (phase.status === 'cancelled' && !phase.confirmed) {
    draft.enter({ ...phase, confirmed: true })
    draft.note({ type: 'cancel_confirmed', ref: null, data: {} })
  }
}

/** Not before the last upload URL has expired: a file stored after the retirement would never be removed. */
function expiresAt({ job, now }: Draft): number {
  return Math.max(now + job.request.policy.retentionMs, lastUploadEndsAt(job))
}

/**
 * Owes the cancel of every other run, and the removal of other files that were or will be stored under the job's
 * prefix.
 */
function oweEnd(draft: Draft, winner: AttemptRef | null): void {
  const { attempts } = draft.job
  const others = attempts.filter((attempt) => !winner || !sameRef(attempt, winner))
  for (const attempt of others) {
    if (attempt.endedAt === null) draft.attempt(attempt, { endedAt: draft.now })
    oweCancel(draft, attempt)
  }
  if (others.length > 0) draft.keep({ outbox: { sweep: { dueAt: draft.now, tries: 0, last: false } } })
}

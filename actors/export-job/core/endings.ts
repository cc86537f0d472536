/** The ways a job ends, and what an ended job still owes. */
import { type Draft, sameRef } from './draft.ts'
import type { Attempt, AttemptRef, Failure, StoredObject } from './job.ts'
import { oweCancel, refOf } from './remote.ts'
import { lastUploadEndsAt } from './schedule.ts'

export function endComplete(draft: Draft, winner: Attempt, output: StoredObject): void {
  const { now } = draft
  const ref = refOf(winner)
  draft.attempt(ref, { endedAt: now, failure: null })
  draft.progress({ ...draft.job.progress, percent: 100, stage: null, message: null, etaMs: 0 })
  draft.enter({ status: 'complete', endedAt: now, output, winner: ref, expiresAt: expiresAt(draft) })
  draft.note({ type: 'complete', ref, data: { output_video_key: output.key, size_bytes: output.size } })
  settleDebts(draft, ref)
}

export function endInError(draft: Draft, failure: Failure): void {
  const { now } = draft
  draft.enter({ status: 'error', endedAt: now, failure, expiresAt: expiresAt(draft) })
  draft.note({
    type: 'error',
    ref: null,
    data: { code: failure.code, message: failure.message, retryable: failure.retryable },
  })
  settleDebts(draft, null)
}

export function endCancelled(draft: Draft, askedAt: number, confirmed: boolean): void {
  const { now } = draft
  draft.enter({ status: 'cancelled', askedAt, endedAt: now, confirmed, expiresAt: expiresAt(draft) })
  draft.note({ type: 'cancelled', ref: null, data: { confirmed } })
  settleDebts(draft, null)
}

/** Not before the last upload URL has expired: what came after the retirement would stay for ever. */
function expiresAt({ job, now }: Draft): number {
  return Math.max(now + job.request.policy.retentionMs, lastUploadEndsAt(job))
}

/** Whatever may still run is cancelled; whatever else was or will be stored under the job's prefix is removed. */
function settleDebts(draft: Draft, winner: AttemptRef | null): void {
  const { attempts } = draft.job
  const others = attempts.filter((attempt) => !winner || !sameRef(attempt, winner))
  for (const attempt of others) {
    if (attempt.endedAt === null) draft.attempt(attempt, { endedAt: draft.now })
    oweCancel(draft, attempt)
  }
  if (others.length > 0) draft.owe({ sweep: { dueAt: draft.now, tries: 0, last: false } })
}

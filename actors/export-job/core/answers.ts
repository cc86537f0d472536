/** What RunPod and R2 answer to the calls of the alarm. */
import { giveUp, latestAttempt, openAttempt } from './attempts.ts'
import { type Draft, sameRef } from './draft.ts'
import { endComplete } from './endings.ts'
import type { Fact } from './events.ts'
import type { Attempt, PhaseOf } from './job.ts'
import { adopt, cancelChanged, findAttempt, refOf, remoteEnded, stopped } from './remote.ts'
import { backoffMs, DISPATCH_GRACE_MS, LOOKS, owedCancels, queueCheckMs, YOUNG_MS } from './schedule.ts'
import { failure } from './verdicts.ts'
import { settleCancelling } from './wake.ts'

type Waiting = PhaseOf<'pending'> & { step: 'waiting' }
type Verifying = PhaseOf<'processing'> & { step: 'verifying' }
type Look = Extract<Fact, { type: 'outputSeen' | 'outputAbsent' | 'lookFailed' }>
type DispatchAnswer = Extract<Fact, { type: 'dispatched' | 'dispatchRefused' | 'dispatchAmbiguous' }>

/** A cancel wins over the answer of a dispatch in flight: the id is kept, and told to stop. */
export function dispatchAnswered(draft: Draft, event: DispatchAnswer): void {
  const attempt = findAttempt(draft.job, event.ref)
  if (!attempt) return
  const open = openAttempt(draft.job) === attempt
  const { phase } = draft.job
  const dispatching = open && phase.status === 'pending' && phase.step === 'dispatching'
  switch (event.type) {
    case 'dispatched':
      adopt(draft, attempt, event.runpodJobId)
      if (dispatching) return enterQueued(draft, attempt)
      return
    case 'dispatchRefused':
      // A verdict against an attempt that has reported was not about that attempt's job.
      if (attempt.remote !== 'unknown' || attempt.runningAt !== null) return
      if (event.inputsSeen) draft.attempt(event.ref, { inputsSeen: true })
      remoteEnded(draft, event.ref, null)
      if (dispatching) {
        const options = { outputMayExist: anotherFollows(draft, attempt), retryAfterMs: event.retryAfterMs }
        return giveUp(draft, attempt, event.failure, options)
      }
      return settleCancelling(draft)
    case 'dispatchAmbiguous':
      if (!dispatching) return
      draft.attempt(event.ref, { inputsSeen: true })
      draft.enter({ ...phase, ambiguous: true, graceUntil: draft.now + DISPATCH_GRACE_MS })
      return draft.note({ type: 'dispatch_ambiguous', ref: event.ref, data: { detail: event.detail } })
  }
}

function enterQueued(draft: Draft, attempt: Attempt): void {
  const { now } = draft
  const timeoutAt = now + draft.job.request.policy.queueTimeoutMs
  draft.attempt(attempt, { queuedAt: now })
  const checkAt = Math.min(timeoutAt, now + queueCheckMs(0))
  draft.enter({ status: 'queued', since: now, checkAt, checks: 0, pollFailures: 0, timeoutAt, health: null })
  draft.note({
    type: 'queued',
    ref: refOf(attempt),
    data: {
      runpod_job_id: findAttempt(draft.job, attempt)?.runpodJobId ?? null,
    },
  })
}

export function cancelAnswered(draft: Draft, event: Extract<Fact, { type: 'cancelAnswered' }>): void {
  const { answer, ref, runpodJobId } = event
  const owed = owedCancels(draft.job).find(
    (each) => sameRef(each.attempt, ref) && each.runpodJobId === runpodJobId,
  )
  if (!owed) return
  const { attempt, cancel, isStray } = owed
  const since = isStray ? cancel.askedAt : (attempt.queuedAt ?? attempt.startedAt)
  const young = draft.now - since < YOUNG_MS
  if (answer.kind === 'unconfirmed' || (answer.kind === 'missing' && young)) {
    // Stored, so that the backoff grows even when the actor sleeps in between.
    if (cancel.tries === 1) draft.note({ type: 'cancel_unconfirmed', ref, data: {} })
    return draft.attempt(ref, cancelChanged(draft, owed, cancel))
  }
  stopped(draft, owed, answer.kind === 'ended' ? answer.usage : null)
  settleCancelling(draft)
}

/** R2's answer about an attempt's output: the only way to `complete`. */
export function looked(draft: Draft, event: Look): void {
  const { phase } = draft.job
  const latest = latestAttempt(draft.job)
  if (!latest || !sameRef(latest, event.ref)) return
  if (phase.status === 'pending' && phase.step === 'waiting' && phase.look === 'owed') {
    rescueLooked(draft, latest, phase, event)
  } else if (phase.status === 'processing' && phase.step === 'verifying')
    verifyLooked(draft, latest, phase, event)
}

/** Before another attempt is paid for: did the last one leave a finished file after all? */
function rescueLooked(draft: Draft, attempt: Attempt, phase: Waiting, event: Look): void {
  switch (event.type) {
    case 'outputSeen':
      draft.note({ type: 'output_found', ref: event.ref, data: {} })
      draft.attempt(event.ref, { doneBy: 'look' })
      return endComplete(draft, attempt, event.object)
    case 'outputAbsent':
      return draft.enter({ ...phase, look: 'done', nextAttemptAt: draft.now })
    case 'lookFailed':
      return draft.enter({ ...phase, lookTries: phase.lookTries + 1 })
  }
}

/** After a completion was reported: is the file there? R2 not answering is no miss. */
function verifyLooked(draft: Draft, attempt: Attempt, phase: Verifying, event: Look): void {
  switch (event.type) {
    case 'outputSeen':
      return endComplete(draft, attempt, event.object)
    case 'outputAbsent': {
      const misses = phase.misses + 1
      if (misses >= LOOKS) {
        return giveUp(draft, attempt, OUTPUT_MISSING, { outputMayExist: anotherFollows(draft, attempt) })
      }
      return draft.enter({
        ...phase,
        misses,
        lookAt: draft.now + backoffMs(`${draft.job.request.id}:verify`, misses - 1),
      })
    }
    case 'lookFailed':
      return draft.enter({ ...phase, lookFailures: phase.lookFailures + 1 })
  }
}

/** Before another attempt is paid for R2 is asked once more: an upload may be slow, and a refusal may be wrong. */
function anotherFollows(draft: Draft, attempt: Attempt): boolean {
  return attempt.attempt < draft.job.request.policy.maxAttempts
}

const OUTPUT_MISSING = failure(
  'output_missing',
  'The worker reported completion, but its output is not in storage.',
  true,
)

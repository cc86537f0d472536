/**
 * What the alarm finds due. Only a wake yields effects; every other event merely makes something due.
 *
 * A call that must not be repeated (`dispatch`) is committed before it is made. A call that may be repeated takes a
 * lease: its clock moves on in memory, and is moved for good by the call's answer.
 */
import { beginAttempt, giveUp, latestAttempt, openAttempt } from './attempts.ts'
import { isEager, settleBreaker, throttled, tickBreaker } from './breaker.ts'
import type { Draft } from './draft.ts'
import { replaceAttempt } from './draft.ts'
import { endCancelled, endInError } from './endings.ts'
import type { PhaseOf } from './job.ts'
import { cancelChanged, hasUnsentCancel, mayRunRemotely, refOf, stopped } from './remote.ts'
import { backoffMs, deadlineAt, naturalWakeAt, owedCancels, owesNothing } from './schedule.ts'
import { failure } from './verdicts.ts'
import { wakeWebhooks } from './webhooks.ts'

export function wake(draft: Draft): void {
  const { job, now } = draft
  const due = naturalWakeAt(job)
  if (due === null || due > now || throttled(job, now)) return
  const eager = isEager(job, due)
  tickBreaker(draft)
  if (!endAtDeadline(draft)) wakePhase(draft)
  sendOwedCancels(draft)
  wakeOutbox(draft)
  wakeWebhooks(draft)
  settleBreaker(draft, eager)
}

function endAtDeadline(draft: Draft): boolean {
  const { phase } = draft.job
  if (draft.now < deadlineAt(draft.job)) return false
  switch (phase.status) {
    case 'pending':
    case 'queued':
    case 'processing':
      endInError(draft, failure('deadline_exceeded', 'The job did not end before its deadline.', true))
      return true
    case 'cancelling':
      endCancelled(draft, phase.askedAt, false)
      return true
    case 'complete':
    case 'error':
    case 'cancelled':
    case 'deleting':
    case 'gone':
      return false
  }
}

function wakePhase(draft: Draft): void {
  const { phase } = draft.job
  switch (phase.status) {
    case 'pending':
      return phase.step === 'waiting' ? wakeWaiting(draft, phase) : wakeDispatching(draft, phase)
    case 'queued':
      return wakeQueued(draft, phase)
    case 'processing':
      return phase.step === 'running' ? wakeRunning(draft, phase) : wakeVerifying(draft, phase)
    case 'cancelling':
      return phase.giveUpAt <= draft.now ? endCancelled(draft, phase.askedAt, false) : undefined
    case 'complete':
    case 'error':
    case 'cancelled':
      return wakeEnded(draft, phase.expiresAt)
    case 'deleting':
      return wakeDeleting(draft, phase)
    case 'gone':
      return
  }
}

function wakeWaiting(draft: Draft, phase: PhaseOf<'pending'> & { step: 'waiting' }): void {
  const { job, now } = draft
  if (now < phase.nextAttemptAt || hasUnsentCancel(job)) return
  const last = latestAttempt(job)
  if (phase.look === 'owed' && last) {
    const nextAttemptAt = now + backoffMs(`${job.request.id}:look`, phase.lookTries)
    draft.lease({ phase: { ...phase, nextAttemptAt } })
    draft.ask({ type: 'look', ref: refOf(last), outputKey: last.outputKey })
  } else if (phase.exhausted && phase.failure) endInError(draft, phase.failure)
  else beginAttempt(draft)
}

/** Neither an answer nor a report within the grace: whatever RunPod made of it is fenced from now on. */
function wakeDispatching(draft: Draft, phase: PhaseOf<'pending'> & { step: 'dispatching' }): void {
  const attempt = openAttempt(draft.job)
  if (draft.now < phase.graceUntil || !attempt) return
  giveUp(
    draft,
    attempt,
    failure('dispatch_lost', 'RunPod did not say whether it took the job, and no worker reported.', true),
  )
}

function wakeQueued(draft: Draft, phase: PhaseOf<'queued'>): void {
  const attempt = openAttempt(draft.job)
  if (draft.now < phase.checkAt || !attempt) return
  if (attempt.runpodJobId === null)
    return giveUp(draft, attempt, failure('dispatch_lost', 'The RunPod job has no id.', true))
  draft.lease({
    phase: { ...phase, checkAt: draft.now + backoffMs(`${draft.job.request.id}:poll`, phase.pollFailures) },
  })
  draft.ask({ type: 'poll', ref: refOf(attempt), runpodJobId: attempt.runpodJobId, withHealth: true })
}

function wakeRunning(draft: Draft, phase: PhaseOf<'processing'> & { step: 'running' }): void {
  const { now } = draft
  const attempt = openAttempt(draft.job)
  if (!attempt) return
  if (phase.timeoutAt <= now) {
    return giveUp(
      draft,
      attempt,
      failure('execution_timeout', 'The attempt ran longer than its execution timeout.', true),
    )
  }
  if (now < phase.stallAt) return
  if (attempt.runpodJobId === null) {
    return giveUp(
      draft,
      attempt,
      failure('stalled', 'The worker fell silent and RunPod gave no id to ask about.', true),
    )
  }
  draft.lease({
    phase: { ...phase, stallAt: now + backoffMs(`${draft.job.request.id}:poll`, phase.pollFailures) },
  })
  draft.ask({ type: 'poll', ref: refOf(attempt), runpodJobId: attempt.runpodJobId, withHealth: false })
}

function wakeVerifying(draft: Draft, phase: PhaseOf<'processing'> & { step: 'verifying' }): void {
  const attempt = openAttempt(draft.job)
  if (draft.now < phase.lookAt || !attempt) return
  const lookAt = draft.now + backoffMs(`${draft.job.request.id}:verify`, phase.lookFailures)
  draft.lease({ phase: { ...phase, lookAt } })
  draft.ask({ type: 'look', ref: refOf(attempt), outputKey: attempt.outputKey })
}

function wakeEnded(draft: Draft, expiresAt: number): void {
  const { job, now } = draft
  const { archive } = job.outbox
  if (archive ? now < archive.dueAt : now < expiresAt || !owesNothing(job)) return
  const tries = (archive?.tries ?? -1) + 1
  const owed = { dueAt: now + backoffMs(`${job.request.id}:archive`, tries), tries }
  // The first is committed, so that no retry by hand comes in between when the videos are gone and the word of it lost.
  if (archive) draft.lease({ outbox: { archive: owed } })
  else draft.owe({ archive: owed })
  draft.ask({ type: 'archive' })
}

function wakeDeleting(draft: Draft, phase: PhaseOf<'deleting'>): void {
  const { job, now } = draft
  if (now < phase.dueAt) return
  const dueAt = now + backoffMs(`${job.request.id}:erase`, phase.tries)
  draft.lease({ phase: { ...phase, dueAt, tries: phase.tries + 1 } })
  draft.ask({ type: 'erase' })
}

function sendOwedCancels(draft: Draft): void {
  const { now } = draft
  for (const owed of owedCancels(draft.job)) {
    const { attempt, runpodJobId, cancel } = owed
    if (attempt.ttlEndsAt <= now) stopped(draft, owed, null)
    // The first goes out with any wake: the next attempt waits for it, whatever became of the clock meanwhile.
    else if (cancel.tries === 0 || cancel.dueAt <= now) {
      const dueAt = now + backoffMs(`${draft.job.request.id}:cancel:${attempt.attempt}`, cancel.tries)
      const changes = cancelChanged(draft, owed, { ...cancel, dueAt, tries: cancel.tries + 1 })
      draft.lease({ attempts: replaceAttempt(draft.job.attempts, attempt, changes) })
      draft.ask({ type: 'cancelRemote', ref: refOf(attempt), runpodJobId })
    }
  }
  settleCancelling(draft)
}

/** `cancelling` ends as soon as nothing can be running at RunPod any more; a late confirmation is recorded. */
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

function wakeOutbox(draft: Draft): void {
  const { job, now } = draft
  const { mirror, sweep } = job.outbox
  const { id } = job.request
  if (mirror && mirror.dueAt <= now) {
    const dueAt = now + backoffMs(`${id}:mirror`, mirror.tries)
    draft.lease({ outbox: { mirror: { ...mirror, dueAt, tries: mirror.tries + 1 } } })
    draft.ask({ type: 'mirror' })
  }
  if (sweep && sweep.dueAt <= now) {
    const dueAt = now + backoffMs(`${id}:sweep`, sweep.tries)
    draft.lease({ outbox: { sweep: { ...sweep, dueAt, tries: sweep.tries + 1 } } })
    draft.ask({ type: 'sweepOutputs', keep: job.phase.status === 'complete' ? job.phase.output.key : null })
  }
}

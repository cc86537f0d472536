/**
 * The entire life of a job: `transition(job, event, now)` is total, and uses no clock, randomness or I/O.
 *
 * A command may be refused, by a value. A fact is never refused; one that arrives too late changes nothing that counts.
 * Facts about an attempt pass the fence once and are then handled by the current state, one file in `states/` each.
 * Answers to a debt are handled by its file in `debts/`. Only a wake, the event of the alarm, yields effects; every
 * other event merely makes something due.
 *
 * A call that must not be repeated (`dispatch`) is committed before it is made. A call that may be repeated takes a
 * lease: its clock advances in memory, and durably with the call's answer.
 */
import { noteAttention } from './attention.ts'
import { isEager, settleBreaker, throttled, tickBreaker } from './breaker.ts'
import { deadlineAt } from './clock.ts'
import { command } from './commands.ts'
import { debtAnswered, tryDebts } from './debts/index.ts'
import { freePlaces } from './debts/places.ts'
import { oweWebhooks } from './debts/webhooks.ts'
import { Draft } from './draft.ts'
import { endCancelled, endInError, settleCancelling } from './endings.ts'
import type { AttemptFact, Event, Step } from './events.ts'
import { fence, foreignReport, isReport, keepNumber, lateFact, overtakenReport, STOP } from './fence.ts'
import type { Job, JobRequest } from './job.ts'
import { isUnfinished } from './phase.ts'
import { naturalWakeAt } from './schedule.ts'
import { learn } from './signals.ts'
import { askAnswered } from './states/asking.ts'
import { stateOf } from './states/index.ts'
import { newRound } from './states/waiting.ts'
import { failure } from './verdicts.ts'

export function transition(job: Job, event: Event, now: number): Step {
  const draft = new Draft(job, now)
  if ('by' in event) command(draft, event)
  else if ('ref' in event && !('debt' in event)) attemptFact(draft, event)
  else if ('debt' in event) debtAnswered(draft, event)
  else if ('next' in event) askAnswered(draft, event)
  else if (event.type === 'wake') wake(draft)
  else draft.rewriteRow()
  freePlaces(draft)
  oweWebhooks(draft)
  // A refusal changes nothing.
  if (draft.reply.ok) noteAttention(draft)
  return draft.done()
}

/** An accepted job: durable, due now, and not yet sent to RunPod. */
export function accept(request: JobRequest, now: number): Step {
  const blank: Job = {
    request,
    version: 0,
    savedAt: now,
    ...newRound(1, now),
    attempts: [],
    outbox: {
      mirror: null,
      mirroredAt: now,
      sweep: null,
      archive: null,
      webhooks: [],
      webhooksSettled: [],
      webhooksRefused: false,
    },
  }
  const draft = new Draft(blank, now)
  const { type, createdBy: by } = request
  draft.note({ type: 'created', ref: null, data: { type, ...(by !== undefined && { by }) } })
  return draft.done()
}

function attemptFact(draft: Draft, event: AttemptFact): void {
  const { verdict, attempt } = fence(draft.job, event)
  if (verdict === 'unknown') {
    if (isReport(event)) draft.reply = STOP
    return
  }
  if (verdict === 'overtaken') return overtakenReport(draft, attempt)
  if (event.type === 'completed' && (event.outputKey ?? attempt.outputKey) !== attempt.outputKey) {
    return draft.refuse('output_key_mismatch', `The output of this attempt is ${attempt.outputKey}.`)
  }
  if (verdict === 'foreign') return isReport(event) ? foreignReport(draft, attempt, event) : undefined
  if ('n' in event) keepNumber(draft, attempt, event)
  const signal = learn(draft, attempt, event, verdict === 'open')
  if (signal === null) return
  if (verdict === 'late') return lateFact(draft, attempt, event)
  const { phase } = draft.job
  stateOf(phase).on?.(draft, phase, signal, attempt)
}

function wake(draft: Draft): void {
  const { job, now } = draft
  const due = naturalWakeAt(job)
  if (due === null || due > now || throttled(job, now)) return
  const eager = isEager(job, due)
  tickBreaker(draft)
  if (isUnfinished(job.phase) && now >= deadlineAt(job)) endAtDeadline(draft)
  else stateOf(job.phase).due?.(draft, job.phase)
  settleCancelling(draft)
  tryDebts(draft)
  settleBreaker(draft, eager)
}

function endAtDeadline(draft: Draft): void {
  const { phase } = draft.job
  if (phase.status === 'cancelling') return endCancelled(draft, phase.askedAt, false)
  endInError(draft, failure('deadline_exceeded', 'The job did not end before its deadline.', true))
}

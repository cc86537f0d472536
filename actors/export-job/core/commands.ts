/**
 * The manual commands of a caller or an operator. Each only changes a clock, the end of the job or a debt; the states
 * decide what follows. Commands are idempotent. A job that is being deleted refuses every command except delete.
 */
import { findAttempt, openAttempt, refOf, sameRef } from './attempts.ts'
import { deadlineAt, lastUploadEndsAt } from './clock.ts'
import { redeliver } from './debts/webhooks.ts'
import type { Draft } from './draft.ts'
import { anotherFollows, beginCancel, endInError, giveUp } from './endings.ts'
import { actorData, type Command, type Requester } from './events.ts'
import { iso } from './iso.ts'
import type { AttemptRef } from './job.ts'
import { isActive, isBetweenAttempts, isIn } from './phase.ts'
import { MAX_ROUNDS, POLICY_BOUNDS } from './policy.ts'
import { cancelChanged, owedCancels } from './remote.ts'
import { movePoll, pollAt } from './states/polling.ts'
import { newRound } from './states/waiting.ts'
import { failure } from './verdicts.ts'

export function command(draft: Draft, asked: Command): void {
  const { status } = draft.job.phase
  if (status === 'deleting' || status === 'gone') {
    if (asked.type === 'delete') return
    return draft.refuse('job_deleting', 'This job is being deleted.')
  }
  switch (asked.type) {
    case 'cancel':
      return cancel(draft, asked)
    case 'retry':
      return retry(draft, asked)
    case 'delete':
      return remove(draft, asked)
    case 'retryNow':
      return retryNow(draft, asked)
    case 'forceFail':
      return forceFail(draft, asked)
    case 'giveUpAttempt':
      return giveUpAttempt(draft, asked)
    case 'recheck':
      return recheck(draft, asked)
    case 'extendDeadline':
      return extendDeadline(draft, asked)
    case 'rewriteRow':
      return rewriteRow(draft, asked)
    case 'redeliver':
      return redeliver(draft, asked)
  }
}

function cancel(draft: Draft, requester: Requester): void {
  if (!isActive(draft.job.phase)) return
  draft.note({ type: 'cancel_requested', ref: null, data: actorData(requester) })
  beginCancel(draft)
}

/** Begins a new round: the history is kept, and attempts are numbered from 1 again. */
function retry(draft: Draft, requester: Requester): void {
  const { phase, round, outbox } = draft.job
  switch (phase.status) {
    case 'cancelling':
      return draft.refuse('job_active', 'This job is still being cancelled.')
    case 'complete':
      return draft.refuse('job_complete', 'This job is complete; create a new one to export again.')
    case 'error':
    case 'cancelled':
      break
    default:
      // Idempotent: the round that an earlier call started is under way.
      return round > 1 ? undefined : draft.refuse('job_active', 'This job is still under way.')
  }
  if (round >= MAX_ROUNDS) {
    const detail = `This job was retried ${MAX_ROUNDS - 1} times; create a new one.`
    return draft.refuse('too_many_rounds', detail)
  }
  if (outbox.archive) {
    return draft.refuse('archived', 'This job is being retired with its videos; create a new one.')
  }
  draft.beginRound(newRound(round + 1, draft.now))
  draft.keep({ outbox: { sweep: null } })
  draft.note({ type: 'retried', ref: null, data: { ...actorData(requester), round: round + 1 } })
}

/** Deletes an ended job with all its data; cancels an active one. */
function remove(draft: Draft, requester: Requester): void {
  const { job, now } = draft
  if (!('endedAt' in job.phase)) return cancel(draft, requester)
  draft.enter({ status: 'deleting', dueAt: now, tries: 0, until: Math.max(now, lastUploadEndsAt(job)) })
  draft.keep({ outbox: { mirror: null, sweep: null, archive: null, webhooks: [], webhooksSettled: [] } })
  draft.note({ type: 'deleting', ref: null, data: actorData(requester) })
}

/** Skips the pause of a job between two attempts; retries any other job. */
function retryNow(draft: Draft, requester: Requester): void {
  const { phase } = draft.job
  if (!isBetweenAttempts(phase)) return retry(draft, requester)
  if (isIn(phase, 'asking')) {
    if (phase.askAt <= draft.now) return
    draft.enter({ ...phase, askAt: draft.now })
  } else {
    if (phase.nextAttemptAt <= draft.now) return
    draft.enter({ ...phase, nextAttemptAt: draft.now })
  }
  draft.note({ type: 'retry_hurried', ref: null, data: actorData(requester) })
}

/** Ends an active job in error; runs of it at RunPod are cancelled as after any other end. */
function forceFail(draft: Draft, requester: Requester): void {
  switch (draft.job.phase.status) {
    case 'cancelling':
      return draft.refuse('job_active', 'This job is being cancelled, and ends by that.')
    case 'complete':
      return draft.refuse('job_complete', 'This job is complete.')
    case 'cancelled':
      return draft.refuse('job_cancelled', 'This job was cancelled.')
    case 'error':
      return
  }
  const attempt = openAttempt(draft.job)
  const forced = failure('force_failed', 'An operator ended the job by hand.', false)
  if (attempt) draft.attempt(attempt, { endedAt: draft.now, failure: forced })
  draft.note({ type: 'force_failed', ref: attempt && refOf(attempt), data: actorData(requester) })
  endInError(draft, forced)
}

/**
 * Refused unless another attempt may follow and `ref` is the open attempt; repeating it for an attempt given up has no
 * effect.
 */
function giveUpAttempt(draft: Draft, { ref, ...requester }: { ref: AttemptRef } & Requester): void {
  const { job } = draft
  const attempt = openAttempt(job)
  if (!attempt || !sameRef(attempt, ref)) {
    if (findAttempt(job, ref)?.failure?.code === GIVEN_UP.code) return
    return draft.refuse('attempt_not_open', 'This attempt is not the one that the job waits for.')
  }
  if (!anotherFollows(draft)) return draft.refuse('no_attempt_left', 'No attempt is left to follow this one.')
  giveUp(draft, attempt, GIVEN_UP, { pauseMs: 0, asked: actorData(requester) })
}

const GIVEN_UP = failure('given_up', 'An operator gave this attempt up for the next one.', true)

/** Makes the poll of the open attempt, and every cancel that RunPod has not confirmed, due now. */
function recheck(draft: Draft, requester: Requester): void {
  const { job, now } = draft
  const owed = owedCancels(job)
  const asksAt = openAttempt(job)?.runpodJobId == null ? null : pollAt(job.phase)
  if (asksAt === null && owed.length === 0) {
    const detail = 'There is nothing of this job that RunPod could be asked about.'
    return draft.refuse('nothing_to_ask', detail)
  }
  if (![asksAt ?? now, ...owed.map(({ cancel }) => cancel.dueAt)].some((at) => at > now)) return
  if (asksAt !== null) movePoll(draft, Math.min(asksAt, now))
  for (const each of owed) {
    const sooner = { ...each.cancel, dueAt: Math.min(each.cancel.dueAt, now) }
    draft.attempt(each.attempt, cancelChanged(draft, each, sooner))
  }
  draft.note({ type: 'recheck_requested', ref: null, data: actorData(requester) })
}

/** Only to a later instant, within the longest deadline that a caller may request from the start of the round. */
function extendDeadline(draft: Draft, asked: { deadlineAt: number } & Requester): void {
  const { job } = draft
  switch (job.phase.status) {
    case 'cancelling':
      return draft.refuse('job_active', 'This job is being cancelled.')
    case 'complete':
      return draft.refuse('job_complete', 'This job is complete.')
    case 'error':
    case 'cancelled':
      return draft.refuse('job_ended', 'This job has ended; retry it to begin a new round.')
  }
  const before = deadlineAt(job)
  if (asked.deadlineAt === before) return
  if (asked.deadlineAt < before) {
    return draft.refuse('deadline_not_later', `The deadline is ${iso(before)}; it can only be put off.`)
  }
  const latest = job.roundStartedAt + POLICY_BOUNDS.deadlineMs.most
  if (asked.deadlineAt > latest) {
    return draft.refuse('deadline_too_late', `The deadline can be put off to ${iso(latest)} at most.`)
  }
  draft.change({ extendedDeadlineAt: asked.deadlineAt })
  draft.rewriteRow()
  const data = { ...actorData(asked), deadline_at: iso(asked.deadlineAt) }
  draft.note({ type: 'deadline_extended', ref: null, data })
}

/** Owes the D1 row again, whatever it contains now; has no effect while a write is pending that was not tried yet. */
function rewriteRow(draft: Draft, requester: Requester): void {
  const { mirror } = draft.job.outbox
  if (mirror && mirror.tries === 0) return
  draft.rewriteRow()
  draft.note({ type: 'remirror_requested', ref: null, data: actorData(requester) })
}

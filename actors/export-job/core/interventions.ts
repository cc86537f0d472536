/**
 * What an operator may do with one job by hand, beside cancel, retry and delete. Each only moves a clock, an end or a
 * debt: what follows is decided where it always is. Asking twice is asking once.
 */
import type { Asked } from '../../../wire/events.ts'
import { openAttempt } from './attempts.ts'
import type { Draft } from './draft.ts'
import { endInError } from './endings.ts'
import type { Asker, RefusalCode } from './events.ts'
import { iso } from './iso.ts'
import { cancelChanged, refOf } from './remote.ts'
import { deadlineAt, owedCancels, POLICY_BOUNDS } from './schedule.ts'
import { failure } from './verdicts.ts'

/** For the log. */
export function whoOf({ by, why }: Asker): Asked {
  return why === undefined ? { by } : { by, reason: why }
}

export function refuse(draft: Draft, code: RefusalCode, detail: string): void {
  draft.reply = { ok: false, code, detail }
}

/** A job that waits between two attempts goes on at once. False when it does not wait for that. */
export function skipBackoff(draft: Draft, asker: Asker): boolean {
  const { job, now } = draft
  const { phase } = job
  if (phase.status !== 'pending' || phase.step !== 'waiting') return false
  if (phase.nextAttemptAt > now) {
    draft.enter({ ...phase, nextAttemptAt: now })
    draft.note({ type: 'retry_hurried', ref: null, data: whoOf(asker) })
  }
  return true
}

/** Ends an active job in error; whatever may run of it is cancelled as after any other end. */
export function forceFail(draft: Draft, asker: Asker): void {
  const { phase } = draft.job
  switch (phase.status) {
    case 'pending':
    case 'queued':
    case 'processing': {
      const attempt = openAttempt(draft.job)
      const forced = failure('force_failed', 'An operator ended the job by hand.', false)
      if (attempt) draft.attempt(attempt, { endedAt: draft.now, failure: forced })
      draft.note({ type: 'force_failed', ref: attempt && refOf(attempt), data: whoOf(asker) })
      return endInError(draft, forced)
    }
    case 'cancelling':
      return refuse(draft, 'job_active', 'This job is being cancelled, and ends by that.')
    case 'error':
      return
    case 'complete':
      return refuse(draft, 'job_complete', 'This job is complete.')
    case 'cancelled':
      return refuse(draft, 'job_cancelled', 'This job was cancelled.')
    case 'deleting':
    case 'gone':
      return refuse(draft, 'job_deleting', 'This job is being deleted.')
  }
}

/** RunPod is asked now about the attempt that we wait for, and told now of every cancel that it has not confirmed. */
export function recheck(draft: Draft, asker: Asker): void {
  const { job, now } = draft
  const { phase } = job
  if (phase.status === 'deleting' || phase.status === 'gone') {
    return refuse(draft, 'job_deleting', 'This job is being deleted.')
  }
  const owed = owedCancels(job)
  const asks = openAttempt(job)?.runpodJobId != null
  const queued = asks && phase.status === 'queued'
  const running = asks && phase.status === 'processing' && phase.step === 'running'
  if (!queued && !running && owed.length === 0) {
    return refuse(draft, 'nothing_to_ask', 'There is nothing of this job that RunPod could be asked about.')
  }
  const asked: number[] = []
  if (queued) asked.push(phase.checkAt)
  if (running) asked.push(phase.stallAt)
  if (![...asked, ...owed.map(({ cancel }) => cancel.dueAt)].some((at) => at > now)) return
  if (queued) draft.enter({ ...phase, checkAt: Math.min(phase.checkAt, now) })
  if (running) draft.enter({ ...phase, stallAt: Math.min(phase.stallAt, now) })
  for (const each of owed) {
    const cancel = { ...each.cancel, dueAt: Math.min(each.cancel.dueAt, now) }
    draft.attempt(each.attempt, cancelChanged(draft, each, cancel))
  }
  draft.note({ type: 'recheck_requested', ref: null, data: whoOf(asker) })
}

/** Only ever later, and at most as far from the round's start as a caller could have asked for. */
export function extendDeadline(draft: Draft, event: { deadlineAt: number } & Asker): void {
  const { job } = draft
  const before = deadlineAt(job)
  switch (job.phase.status) {
    case 'pending':
    case 'queued':
    case 'processing': {
      if (event.deadlineAt === before) return
      if (event.deadlineAt < before) {
        return refuse(draft, 'deadline_not_later', `The deadline is ${iso(before)}; it can only be put off.`)
      }
      const latest = job.roundStartedAt + POLICY_BOUNDS.deadlineMs.most
      if (event.deadlineAt > latest) {
        return refuse(draft, 'deadline_too_late', `The deadline can be put off to ${iso(latest)} at most.`)
      }
      draft.set({ extendedDeadlineAt: event.deadlineAt })
      draft.remirror()
      return draft.note({
        type: 'deadline_extended',
        ref: null,
        data: { ...whoOf(event), deadline_at: iso(event.deadlineAt) },
      })
    }
    case 'cancelling':
      return refuse(draft, 'job_active', 'This job is being cancelled.')
    case 'complete':
      return refuse(draft, 'job_complete', 'This job is complete.')
    case 'error':
    case 'cancelled':
      return refuse(draft, 'job_ended', 'This job has ended; retry it to begin a new round.')
    case 'deleting':
    case 'gone':
      return refuse(draft, 'job_deleting', 'This job is being deleted.')
  }
}

/** The D1 row is owed again, whatever it says now; a write that is about to be tried is not asked for twice. */
export function rewriteRow(draft: Draft, asker: Asker): void {
  const { status } = draft.job.phase
  if (status === 'deleting' || status === 'gone') {
    return refuse(draft, 'job_deleting', 'This job is being deleted.')
  }
  const { mirror } = draft.job.outbox
  if (mirror && mirror.tries === 0) return
  draft.remirror()
  draft.note({ type: 'remirror_requested', ref: null, data: whoOf(asker) })
}

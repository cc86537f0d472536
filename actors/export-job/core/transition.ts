/**
 * The whole life of a job: `transition(job, event, now)` is total, and has no clock, randomness or I/O.
 *
 * Read `transition` first: commands, reports, answers, and the alarm's wake. A command may be refused, by a value. A
 * fact is never refused; one that comes too late changes nothing that counts.
 */
import { cancelAnswered, dispatchAnswered, looked } from './answers.ts'
import { latestAttempt } from './attempts.ts'
import { Draft } from './draft.ts'
import { endCancelled } from './endings.ts'
import type { Asker, Event, Step } from './events.ts'
import {
  extendDeadline,
  forceFail,
  recheck,
  refuse,
  rewriteRow,
  skipBackoff,
  whoOf,
} from './interventions.ts'
import type { Job, JobRequest } from './job.ts'
import { observed, pollFailed } from './observations.ts'
import { answerOutbox } from './outbox.ts'
import { mayRunRemotely, oweCancel } from './remote.ts'
import { report } from './reports.ts'
import { CANCEL_GIVE_UP_MS, lastUploadEndsAt, MAX_ROUNDS } from './schedule.ts'
import { wake } from './wake.ts'
import { deliveryAnswered, oweWebhooks, redeliver } from './webhooks.ts'

export function transition(job: Job, event: Event, now: number): Step {
  const draft = new Draft(job, now)
  switch (event.type) {
    case 'cancel':
      cancel(draft, event)
      break
    case 'retry':
      retry(draft, event)
      break
    case 'delete':
      remove(draft, event)
      break
    case 'retryNow':
      if (!skipBackoff(draft, event)) retry(draft, event)
      break
    case 'forceFail':
      forceFail(draft, event)
      break
    case 'recheck':
      recheck(draft, event)
      break
    case 'extendDeadline':
      extendDeadline(draft, event)
      break
    case 'rewriteRow':
      rewriteRow(draft, event)
      break
    case 'progressed':
    case 'completed':
    case 'failed':
      report(draft, event)
      break
    case 'dispatched':
    case 'dispatchRefused':
    case 'dispatchAmbiguous':
      dispatchAnswered(draft, event)
      break
    case 'observed':
      observed(draft, event)
      break
    case 'pollFailed':
      pollFailed(draft, event.ref)
      break
    case 'cancelAnswered':
      cancelAnswered(draft, event)
      break
    case 'outputSeen':
    case 'outputAbsent':
    case 'lookFailed':
      looked(draft, event)
      break
    case 'mirrored':
    case 'mirrorFailed':
    case 'remirror':
    case 'swept':
    case 'sweepFailed':
    case 'archived':
    case 'archiveFailed':
    case 'erased':
    case 'eraseFailed':
      answerOutbox(draft, event)
      break
    case 'delivered':
    case 'deliveryFailed':
      countDelivery(draft, event)
      deliveryAnswered(draft, event)
      break
    case 'redeliver':
      redeliver(draft, event)
      break
    case 'wake':
      wake(draft)
      break
  }
  oweWebhooks(draft)
  return draft.done()
}

/** A job as it is accepted: durable, due now, and not yet known to RunPod. */
export function accept(request: JobRequest, now: number): Step {
  const blank: Job = {
    request,
    version: 0,
    savedAt: now,
    round: 1,
    roundStartedAt: now,
    phase: waiting(now),
    attempts: [],
    progress: { percent: 0, stage: null, message: null, etaMs: null, reportedAt: null },
    outbox: {
      mirror: null,
      mirroredAt: now,
      sweep: null,
      archive: null,
      webhooks: [],
      webhooksSettled: [],
      webhooksRefused: false,
    },
    breaker: { level: 0, at: now, tripped: false, strikes: 0 },
  }
  const draft = new Draft(blank, now)
  draft.note({ type: 'created', ref: null, data: { type: request.type } })
  return draft.done()
}

function waiting(now: number) {
  const fresh = { failure: null, look: 'done', lookTries: 0, exhausted: false } as const
  return { status: 'pending', step: 'waiting', nextAttemptAt: now, ...fresh } as const
}

function countDelivery(draft: Draft, event: Extract<Event, { type: 'delivered' | 'deliveryFailed' }>): void {
  const { outbox, deliveries = { taken: 0, failed: 0 } } = draft.job
  if (!outbox.webhooks.some(({ id }) => id === event.id)) return
  const { taken, failed } = deliveries
  draft.tally(event.type === 'delivered' ? { taken: taken + 1, failed } : { taken, failed: failed + 1 })
}

// Commands

function cancel(draft: Draft, asker: Asker): void {
  const { job, now } = draft
  switch (job.phase.status) {
    case 'pending':
    case 'queued':
    case 'processing': {
      draft.note({ type: 'cancel_requested', ref: null, data: whoOf(asker) })
      const latest = latestAttempt(job)
      if (latest && latest.endedAt === null) draft.attempt(latest, { endedAt: now })
      for (const attempt of draft.job.attempts) oweCancel(draft, attempt)
      if (mayRunRemotely(draft.job, now)) {
        return draft.enter({ status: 'cancelling', askedAt: now, giveUpAt: now + CANCEL_GIVE_UP_MS })
      }
      return endCancelled(draft, now, true)
    }
    case 'cancelling':
    case 'complete':
    case 'error':
    case 'cancelled':
      return
    case 'deleting':
    case 'gone':
      return refuse(draft, 'job_deleting', 'This job is being deleted.')
  }
}

/** A new round by hand: the history stays, the attempts start again from 1. */
function retry(draft: Draft, asker: Asker): void {
  const { job, now } = draft
  switch (job.phase.status) {
    case 'error':
    case 'cancelled': {
      if (job.round >= MAX_ROUNDS) {
        return refuse(
          draft,
          'too_many_rounds',
          `This job was retried ${MAX_ROUNDS - 1} times; create a new one.`,
        )
      }
      if (job.outbox.archive) {
        return refuse(draft, 'archived', 'This job is being retired with its videos; create a new one.')
      }
      draft.beginRound(job.round + 1)
      draft.progress({ percent: 0, stage: null, message: null, etaMs: null, reportedAt: null })
      draft.owe({ sweep: null })
      draft.enter(waiting(now))
      return draft.note({ type: 'retried', ref: null, data: { ...whoOf(asker), round: job.round + 1 } })
    }
    case 'pending':
    case 'queued':
    case 'processing':
      // Repeat-safe: the round that an earlier call started is under way.
      return job.round > 1 ? undefined : refuse(draft, 'job_active', 'This job is still under way.')
    case 'cancelling':
      return refuse(draft, 'job_active', 'This job is still being cancelled.')
    case 'complete':
      return refuse(draft, 'job_complete', 'This job is complete; create a new one to export again.')
    case 'deleting':
    case 'gone':
      return refuse(draft, 'job_deleting', 'This job is being deleted.')
  }
}

/** Ended: everything of it goes. Active: the same as cancel. */
function remove(draft: Draft, asker: Asker): void {
  const { job, now } = draft
  switch (job.phase.status) {
    case 'pending':
    case 'queued':
    case 'processing':
    case 'cancelling':
      return cancel(draft, asker)
    case 'complete':
    case 'error':
    case 'cancelled': {
      const until = Math.max(now, lastUploadEndsAt(job))
      draft.enter({ status: 'deleting', dueAt: now, tries: 0, until })
      draft.owe({ mirror: null, sweep: null, archive: null, webhooks: [], webhooksSettled: [] })
      return draft.note({ type: 'deleting', ref: null, data: whoOf(asker) })
    }
    case 'deleting':
    case 'gone':
      return
  }
}

/**
 * Runs to be cancelled at RunPod, until it confirms or their ttl passes: RunPod deletes a job at its ttl, running or
 * not.
 */
import { refOf, replaceAttempt, sameRef } from '../attempts.ts'
import type { Draft } from '../draft.ts'
import { settleCancelling } from '../endings.ts'
import type { AttemptRef, Job } from '../job.ts'
import { RECENT_404_MS } from '../policy.ts'
import { cancelChanged, isRecent, type OwedStop, owedCancels, stopped } from '../remote.ts'
import { type Debt, tried } from './debt.ts'

export const cancels: Debt<'cancels'> = {
  clocks: (job) =>
    owedCancels(job).map(({ attempt, cancel }) => ({
      name: 'owed_cancel',
      at: Math.min(cancel.dueAt, attempt.ttlEndsAt),
      what: 'tell RunPod again to stop the job',
    })),

  due(draft) {
    const { now } = draft
    for (const owed of owedCancels(draft.job)) {
      const { attempt, runpodJobId, cancel } = owed
      if (attempt.ttlEndsAt <= now) stopped(draft, owed, null)
      // Before the first answer any wake tries, whatever the clock, because the next attempt waits for that answer.
      else if (!cancel.isAnswered || cancel.dueAt <= now) {
        const changes = cancelChanged(draft, owed, tried(draft, cancel, `cancel:${attempt.attempt}`))
        draft.lease({ attempts: replaceAttempt(draft.job.attempts, attempt, changes) })
        draft.ask({
          type: 'cancelRemote',
          ref: refOf(attempt),
          endpoint: attempt.endpoint ?? null,
          runpodJobId,
        })
      }
    }
  },

  paid(draft, { ref, runpodJobId, answer }) {
    const owed = find(draft.job, ref, runpodJobId)
    if (!owed) return
    // A job that RunPod has just accepted may not be visible yet.
    const { attempt, cancel, isStray } = owed
    const isNew = isStray ? draft.now - cancel.askedAt < RECENT_404_MS : isRecent(attempt, draft.now)
    if (answer.kind === 'missing' && isNew) return unconfirmed(draft, owed)
    stopped(draft, owed, answer.kind === 'ended' ? answer.usage : null)
    settleCancelling(draft)
  },

  failed(draft, { ref, runpodJobId }) {
    const owed = find(draft.job, ref, runpodJobId)
    if (owed) unconfirmed(draft, owed)
  },
}

function find(job: Job, ref: AttemptRef, runpodJobId: string): OwedStop | undefined {
  return owedCancels(job).find((owed) => sameRef(owed.attempt, ref) && owed.runpodJobId === runpodJobId)
}

function unconfirmed(draft: Draft, owed: OwedStop): void {
  const { attempt, cancel } = owed
  const ref = refOf(attempt)
  if (!cancel.isAnswered) draft.note({ type: 'cancel_unconfirmed', ref, data: {} })
  draft.attempt(ref, cancelChanged(draft, owed, { ...cancel, isAnswered: true }))
}

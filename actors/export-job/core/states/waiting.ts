/**
 * `pending`, between two attempts and before the first: the next is due now or after a pause. The last attempt may have
 * left a finished file, and its completion may still be reported: both are considered before another attempt incurs
 * costs.
 */
import { attemptName, latestAttempt, refOf } from '../attempts.ts'
import { endComplete, endInError } from '../endings.ts'
import { iso } from '../iso.ts'
import type { Job } from '../job.ts'
import type { PhaseIn } from '../phase.ts'
import { backoffMs } from '../policy.ts'
import { hasUnansweredCancel } from '../remote.ts'
import { enterAsking } from './asking.ts'
import { NO_PROGRESS } from './dispatching.ts'
import type { State } from './state.ts'
import { enterVerifying } from './verifying.ts'

type Waiting = PhaseIn<'waiting'>

/** The initial state of a round: due now, without attempts. */
export function newRound(round: number, now: number) {
  const phase: Waiting = {
    status: 'pending',
    step: 'waiting',
    nextAttemptAt: now,
    failure: null,
    look: 'done',
    lookTries: 0,
    exhausted: false,
  }
  const breaker: Job['breaker'] = { level: 0, at: now, tripped: false, strikes: 0 }
  return { round, roundStartedAt: now, phase, progress: NO_PROGRESS, breaker }
}

export const waiting: State<Waiting> = {
  on(draft, phase, signal, attempt) {
    if (signal.type === 'done') return enterVerifying(draft, attempt, signal)
    if (phase.look === 'done') return
    switch (signal.type) {
      case 'outputSeen':
        draft.note({ type: 'output_found', ref: refOf(attempt), data: {} })
        draft.attempt(attempt, { doneBy: 'look' })
        return endComplete(draft, attempt, signal.object)
      case 'outputAbsent':
        return draft.enter({ ...phase, look: 'done', nextAttemptAt: draft.now })
      case 'lookFailed':
        return draft.enter({ ...phase, lookTries: phase.lookTries + 1 })
    }
  },

  due(draft, phase) {
    const { job, now } = draft
    if (now < phase.nextAttemptAt || hasUnansweredCancel(job)) return
    const last = latestAttempt(job)
    if (phase.look === 'owed' && last) {
      const nextAttemptAt = now + backoffMs(`${job.request.id}:look`, phase.lookTries)
      draft.lease({ phase: { ...phase, nextAttemptAt } })
      draft.ask({ type: 'look', ref: refOf(last), outputKey: last.outputKey })
    } else if (phase.exhausted && phase.failure) endInError(draft, phase.failure)
    else enterAsking(draft, phase.failure)
  },

  clocks({ look, nextAttemptAt: at }) {
    return look === 'owed'
      ? [{ name: 'look', at, what: 'look for the last attempt’s output in storage' }]
      : [{ name: 'dispatch', at, what: 'send the next attempt to RunPod' }]
  },

  words(job, { failure, exhausted, nextAttemptAt }) {
    const { refusals } = job
    if (failure && refusals) {
      const times = refusals.times === 1 ? '' : `, ${refusals.times} times`
      return `${failure.message} So since ${iso(refusals.since)}${times}; the next try is at ${iso(nextAttemptAt)}, and none of them counts as an attempt.`
    }
    if (!failure) return 'Accepted; the first attempt is about to be sent to RunPod.'
    const next = exhausted
      ? 'No attempt is left; its output is looked for once more.'
      : 'The next one starts after a pause.'
    return `${attemptName(job)} failed: ${failure.message} ${next}`
  },
}

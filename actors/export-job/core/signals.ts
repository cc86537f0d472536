/**
 * Applies what a fact implies about an attempt in any state: its RunPod id, the end of its run, billed time. Returns
 * the remainder, a signal, for the current state of the job.
 */
import type { Draft } from './draft.ts'
import type { AttemptFact, Signal } from './events.ts'
import type { Attempt } from './job.ts'
import { RECENT_404_RECHECK_MS } from './policy.ts'
import { adopt, isRecent, remoteEnded } from './remote.ts'
import { movePoll } from './states/polling.ts'
import { failureOf } from './verdicts.ts'

/** @param isOpen whether the job waits for this attempt. Returns null if the current state is not concerned. */
export function learn(draft: Draft, attempt: Attempt, event: AttemptFact, isOpen: boolean): Signal | null {
  switch (event.type) {
    case 'progressed':
    case 'dispatched':
      adopt(draft, attempt, event.runpodJobId)
      return event
    case 'completed':
      adopt(draft, attempt, event.runpodJobId)
      return { type: 'done', source: 'report', message: event.message ?? null }
    case 'failed':
      adopt(draft, attempt, event.runpodJobId)
      // The handler is about to return, so there is nothing to cancel.
      if (isOpen) remoteEnded(draft, attempt, null)
      return { type: 'failed', failure: event.failure, source: 'report' }
    case 'dispatchRefused':
      // A refusal of an attempt that has reported cannot refer to its actual run.
      if (attempt.remote !== 'unknown' || attempt.runningAt !== null) return null
      if (event.inputsSeen) draft.attempt(attempt, { inputsSeen: true })
      remoteEnded(draft, attempt, null)
      return event
    case 'observed':
      adopt(draft, attempt, event.runpodJobId)
      return observed(draft, attempt, event)
    case 'dispatchAmbiguous':
    case 'dispatchWeighed':
    case 'pollFailed':
    case 'outputSeen':
    case 'outputAbsent':
    case 'lookFailed':
      return event
    case 'lineSeen':
    case 'lineLost':
      return isOpen ? event : null
  }
}

/** The answer of `/status`, or RunPod's webhook. */
function observed(
  draft: Draft,
  attempt: Attempt,
  { observation, source, health }: Extract<AttemptFact, { type: 'observed' }>,
): Signal | null {
  const { state, usage } = observation
  if (state === 'queued') return { type: 'queued', health }
  if (state === 'running') return { type: 'running', source }
  if (state === 'gone' && isRecent(attempt, draft.now)) {
    movePoll(draft, draft.now + RECENT_404_RECHECK_MS)
    return null
  }
  remoteEnded(draft, attempt, usage)
  if (state === 'completed') return { type: 'done', source, message: null }
  return { type: 'failed', failure: failureOf(observation, attempt.runningAt !== null), source }
}

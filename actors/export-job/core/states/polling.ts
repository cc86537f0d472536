/** Polls RunPod about the open attempt, in the two states that do so. */
import { refOf } from '../attempts.ts'
import type { Draft } from '../draft.ts'
import type { Attempt, Phase } from '../job.ts'
import { isIn, type PhaseIn } from '../phase.ts'
import { backoffMs } from '../policy.ts'

type Polled = PhaseIn<'queued' | 'running'>

/** When RunPod is polled next; null in other states. */
export function pollAt(phase: Phase): number | null {
  if (isIn(phase, 'queued')) return phase.checkAt
  return isIn(phase, 'running') ? phase.stallAt : null
}

/** Moves the next poll; no effect in other states. */
export function movePoll(draft: Draft, at: number): void {
  const { phase } = draft.job
  if (isIn(phase, 'queued') || isIn(phase, 'running')) draft.enter(movedTo(phase, at))
}

/** Polls. The answer sets the clock durably; without one RunPod is polled again after a pause. */
export function poll(draft: Draft, phase: Polled, attempt: Attempt, runpodJobId: string): void {
  draft.lease({ phase: movedTo(phase, draft.now + pauseMs(draft, phase.pollFailures)) })
  const { endpoint = null } = attempt
  const withHealth = phase.status === 'queued'
  draft.ask({ type: 'poll', ref: refOf(attempt), endpoint, runpodJobId, withHealth })
}

/** The poll failed: no conclusion, and the next one follows after a growing pause. */
export function pollAgain(draft: Draft, phase: Polled): void {
  const pollFailures = phase.pollFailures + 1
  draft.enter(movedTo({ ...phase, pollFailures }, draft.now + pauseMs(draft, pollFailures)))
}

function movedTo(phase: Polled, at: number): Polled {
  return phase.status === 'queued' ? { ...phase, checkAt: at } : { ...phase, stallAt: at }
}

function pauseMs({ job }: Draft, failures: number): number {
  return backoffMs(`${job.request.id}:poll`, failures)
}

/** What RunPod says when it is asked, or by its webhook. Silence leads here, never to a verdict. */
import { giveUp, latestAttempt, openAttempt } from './attempts.ts'
import { type Draft, sameRef } from './draft.ts'
import type { Fact } from './events.ts'
import type { Attempt, AttemptRef, Phase, PhaseOf } from './job.ts'
import { adopt, findAttempt, remoteEnded } from './remote.ts'
import { enterRunning, verify } from './reports.ts'
import { backoffMs, QUEUE_TIMEOUT_SLACK_MS, queueCheckMs, YOUNG_MS, YOUNG_RECHECK_MS } from './schedule.ts'
import { failure, failureOf } from './verdicts.ts'
import { settleCancelling } from './wake.ts'

type Observed = Extract<Fact, { type: 'observed' }>

export function observed(draft: Draft, event: Observed): void {
  const attempt = findAttempt(draft.job, event.ref)
  if (!attempt) return
  const stranger =
    event.runpodJobId !== null && attempt.runpodJobId !== null && event.runpodJobId !== attempt.runpodJobId
  if (stranger) return
  adopt(draft, attempt, event.runpodJobId)
  const { state, usage } = event.observation
  if (state === 'gone' && isYoung(draft, attempt)) return askAgainSoon(draft)
  if (state !== 'queued' && state !== 'running') remoteEnded(draft, attempt, usage)

  const open = openAttempt(draft.job)
  if (open && sameRef(open, attempt)) return observedOpen(draft, open, event)
  const latest = latestAttempt(draft.job)
  const { phase } = draft.job
  const waiting = phase.status === 'pending' && phase.step === 'waiting'
  if (state === 'completed' && waiting && latest && sameRef(latest, attempt))
    return verify(draft, latest, event.source)
  settleCancelling(draft)
}

function observedOpen(draft: Draft, attempt: Attempt, event: Observed): void {
  const { phase } = draft.job
  const verifying = phase.status === 'processing' && phase.step === 'verifying'
  switch (event.observation.state) {
    case 'queued':
      return phase.status === 'queued' ? stillQueued(draft, attempt, phase, event) : stillAlive(draft, phase)
    case 'running':
      return phase.status === 'processing'
        ? stillAlive(draft, phase)
        : enterRunning(draft, attempt, event.source)
    case 'completed':
      return verify(draft, attempt, event.source)
    case 'failed':
    case 'cancelled':
    case 'timed_out':
    case 'gone':
      // The worker's own word that it stored the file comes first: R2 decides.
      if (verifying) return
      return giveUp(draft, attempt, failureOf(event.observation, attempt.runningAt !== null), {
        source: event.source,
      })
  }
}

function stillQueued(draft: Draft, attempt: Attempt, phase: PhaseOf<'queued'>, event: Observed): void {
  const { now } = draft
  if (phase.timeoutAt <= now) {
    return queueTimedOut(draft, attempt, 'No GPU worker took the job before its queue timeout.')
  }
  const checks = phase.checks + 1
  const checkAt = Math.min(phase.timeoutAt, now + queueCheckMs(checks))
  draft.enter({ ...phase, checks, checkAt, pollFailures: 0, health: event.health ?? phase.health })
}

/** Not tried again, which would only lose the place; but a worker that could not be heard may have finished. */
function queueTimedOut(draft: Draft, attempt: Attempt, why: string): void {
  giveUp(draft, attempt, failure('queue_timeout', why, true), { last: true })
}

function stillAlive(draft: Draft, phase: Phase): void {
  if (phase.status !== 'processing' || phase.step !== 'running') return
  draft.enter({ ...phase, stallAt: draft.now + draft.job.request.policy.stallTimeoutMs, pollFailures: 0 })
}

/** RunPod may not show a job yet that it took a moment ago. */
function isYoung(draft: Draft, attempt: Attempt): boolean {
  return draft.now - (attempt.queuedAt ?? attempt.startedAt) < YOUNG_MS
}

function askAgainSoon(draft: Draft): void {
  const { phase } = draft.job
  const at = draft.now + YOUNG_RECHECK_MS
  if (phase.status === 'queued') draft.enter({ ...phase, checkAt: at })
  else if (phase.status === 'processing' && phase.step === 'running') draft.enter({ ...phase, stallAt: at })
}

/** RunPod could not be asked: nothing is decided, it is asked again, ever less often. */
export function pollFailed(draft: Draft, ref: AttemptRef): void {
  const { job, now } = draft
  const { phase } = job
  const open = openAttempt(job)
  if (!open || !sameRef(open, ref)) return
  const again = (failures: number) => now + backoffMs(`${job.request.id}:poll`, failures)
  if (phase.status === 'queued') {
    if (now >= phase.timeoutAt + QUEUE_TIMEOUT_SLACK_MS) {
      const why = 'No GPU worker was seen before the queue timeout, and RunPod does not answer.'
      return queueTimedOut(draft, open, why)
    }
    const pollFailures = phase.pollFailures + 1
    draft.enter({ ...phase, pollFailures, checkAt: again(pollFailures) })
  } else if (phase.status === 'processing' && phase.step === 'running') {
    const pollFailures = phase.pollFailures + 1
    draft.enter({ ...phase, pollFailures, stallAt: again(pollFailures) })
  }
}

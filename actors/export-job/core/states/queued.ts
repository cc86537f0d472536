/**
 * RunPod accepted the attempt, and no worker has started it: RunPod is polled ever less often, until the queue timeout.
 */
import { attemptName, findAttempt, openAttempt, refOf } from '../attempts.ts'
import type { Draft } from '../draft.ts'
import { giveUp } from '../endings.ts'
import type { Attempt, EndpointHealth } from '../job.ts'
import type { PhaseIn } from '../phase.ts'
import { QUEUE_TIMEOUT_SLACK_MS, queueCheckMs } from '../policy.ts'
import { failure } from '../verdicts.ts'
import { poll, pollAgain } from './polling.ts'
import { enterRunning } from './running.ts'
import type { State } from './state.ts'
import { enterVerifying } from './verifying.ts'

export function enterQueued(draft: Draft, attempt: Attempt): void {
  const { now } = draft
  const timeoutAt = now + draft.job.request.policy.queueTimeoutMs
  draft.attempt(attempt, { queuedAt: now })
  const checkAt = Math.min(timeoutAt, now + queueCheckMs(0))
  draft.enter({ status: 'queued', since: now, checkAt, checks: 0, pollFailures: 0, timeoutAt, health: null })
  const runpodJobId = findAttempt(draft.job, attempt)?.runpodJobId ?? null
  draft.note({ type: 'queued', ref: refOf(attempt), data: { runpod_job_id: runpodJobId } })
}

export const queued: State<PhaseIn<'queued'>> = {
  on(draft, phase, signal, attempt) {
    const { now } = draft
    switch (signal.type) {
      case 'queued': {
        if (phase.timeoutAt <= now) {
          return timeOut(draft, attempt, 'No GPU worker took the job before its queue timeout.')
        }
        const checks = phase.checks + 1
        const checkAt = Math.min(phase.timeoutAt, now + queueCheckMs(checks))
        const health = signal.health ?? phase.health
        return draft.enter({ ...phase, checks, checkAt, pollFailures: 0, health })
      }
      case 'pollFailed':
        if (now < phase.timeoutAt + QUEUE_TIMEOUT_SLACK_MS) return pollAgain(draft, phase)
        return timeOut(
          draft,
          attempt,
          'No GPU worker was seen before the queue timeout, and RunPod does not answer.',
        )
      case 'progressed':
      case 'running':
        return enterRunning(draft, attempt, signal)
      case 'done':
        return enterVerifying(draft, attempt, signal)
      case 'failed':
        return giveUp(draft, attempt, signal.failure, { source: signal.source })
    }
  },

  due(draft, phase) {
    const attempt = openAttempt(draft.job)
    if (draft.now < phase.checkAt || !attempt) return
    if (attempt.runpodJobId !== null) return poll(draft, phase, attempt, attempt.runpodJobId)
    giveUp(draft, attempt, failure('dispatch_lost', 'The RunPod job has no id.', true))
  },

  clocks({ checkAt, timeoutAt }) {
    const check = { name: 'queue_check', at: checkAt, what: 'ask RunPod whether a worker took it' }
    // At the timeout the check decides; afterwards only checks of an unreachable RunPod remain.
    if (checkAt >= timeoutAt) return [check]
    return [check, { name: 'queue_timeout', at: timeoutAt, what: 'give up waiting for a worker' }]
  },

  words: (job, { health }) => `${attemptName(job)} waits in RunPod's queue.${workersSentence(health)}`,
}

/**
 * No other attempt, which would only lose the place in the queue; but the output is checked, in case an unreachable
 * worker finished.
 */
function timeOut(draft: Draft, attempt: Attempt, why: string): void {
  giveUp(draft, attempt, failure('queue_timeout', why, true), { last: true })
}

function workersSentence(health: EndpointHealth | null): string {
  if (!health) return ''
  if (hasNoWorkers(health)) return ' Its endpoint has no worker of any kind.'
  if (health.idle > 0) return ` RunPod has ${count(health.idle, 'idle worker')}.`
  const busy = [
    health.running > 0 && `${health.running} running`,
    health.throttled > 0 && `${health.throttled} throttled`,
    health.initializing > 0 && `${health.initializing} starting`,
    (health.unhealthy ?? 0) > 0 && `${health.unhealthy} unhealthy`,
  ].filter((part) => part !== false)
  return ` RunPod has no idle worker${busy.length > 0 ? ` (${busy.join(', ')})` : ''} and ${count(health.inQueue, 'job')} in its queue.`
}

/** No worker exists or starts although a job waits: the job will not start by itself. */
export function hasNoWorkers({ idle, running, throttled, initializing, unhealthy }: EndpointHealth): boolean {
  return idle + running + throttled + initializing === 0 && unhealthy === 0
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}

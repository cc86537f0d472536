/**
 * Findings about a job for operators: each consists of a cause and the next step, which together form one sentence,
 * with the instant of that step as a separate field.
 *
 * The first finding is always present and describes the job's own progress; the others describe disturbances and
 * overdue debts.
 */
import type { Finding, FindingCode } from '../../../../wire/admin.ts'
import { attemptName, countedAttempts, latestAttempt } from '../attempts.ts'
import { deadlineAt } from '../clock.ts'
import { iso } from '../iso.ts'
import type { Attempt, Job } from '../job.ts'
import { isIn, isUnfinished, type PhaseIn } from '../phase.ts'
import { LOOKS } from '../policy.ts'
import { owedCancels } from '../remote.ts'
import { hasNoWorkers } from '../states/queued.ts'
import { nextActionOf, reasonOf } from './reason.ts'

/** Source: docs.runpod.io, endpoint configurations, idle endpoint scale-down. */
const SCALED_DOWN =
  'RunPod lowers an endpoint’s max workers to 2 after 3 days without a request and to 0 after 7: raise them in its settings'

/** The deadline of an active job is near within this time, or within the last tenth of its round. */
const NEAR_MS = 10 * 60_000

export function findingsOf(job: Job, now: number): Finding[] {
  return [
    mainFinding(job, now),
    deadlineNear(job, now),
    throttled(job),
    mirrorBehind(job),
    ...webhooks(job),
  ].filter((each) => each !== null)
}

/** The next instant after `now` at which a finding appears by time alone: a growing silence, or a near deadline. */
export function findingsUntil(job: Job, now: number): number | null {
  const { phase } = job
  const attempt = latestAttempt(job)
  const instants: number[] = []
  if (isUnfinished(job.phase)) instants.push(nearAt(job))
  if (attempt && isIn(phase, 'running')) {
    instants.push(heardAt(job, attempt) + job.request.policy.stallTimeoutMs)
  }
  const ahead = instants.filter((at) => at > now)
  return ahead.length === 0 ? null : Math.min(...ahead)
}

function mainFinding(job: Job, now: number): Finding {
  const { phase } = job
  const attempt = latestAttempt(job)
  switch (phase.status) {
    case 'pending':
      if (phase.step === 'waiting' && phase.failure) return waiting(job, phase)
      if (phase.step === 'asking' && phase.missing) {
        const next = 'look at the settings again'
        return finding('not_configured', sentence(phase.missing), next, phase.askAt)
      }
      return plain(job, 'under_way')
    case 'queued':
      if (phase.health && phase.health.idle > 0) return plain(job, 'under_way')
      return finding(
        'waiting_for_gpu',
        sentence(reasonOf(job)) + (phase.health && hasNoWorkers(phase.health) ? `. ${SCALED_DOWN}` : ''),
        'ask RunPod again whether a worker took it',
        phase.checkAt,
      )
    case 'processing':
      return attempt ? processing(job, phase, attempt, now) : plain(job, 'under_way')
    case 'cancelling':
      return cancelling(job, phase)
    case 'cancelled':
      return phase.confirmed ? plain(job, 'ended') : unconfirmed(job)
    case 'complete':
      return attempt && wasFound(attempt) ? found(job, attempt) : plain(job, 'ended')
    case 'error':
    case 'deleting':
    case 'gone':
      return plain(job, 'ended')
  }
}

function waiting(job: Job, phase: PhaseIn<'waiting'>): Finding {
  if (job.refusals) return finding('refused', sentence(reasonOf(job)), 'try again', phase.nextAttemptAt)
  const code = phase.failure?.code === 'output_missing' ? 'output_missing' : 'waiting_for_retry'
  const number = countedAttempts(job)
  const cause = `${attemptName(job)} failed with ${phase.failure?.code}: ${sentence(phase.failure?.message ?? '')}`
  const next =
    phase.look === 'done'
      ? phase.exhausted
        ? 'end the job in error, since no attempt is left'
        : `send attempt ${number + 1} to RunPod`
      : phase.exhausted
        ? 'look for its output once more, then end the job in error'
        : `look for its output, and if there is none send attempt ${number + 1} to RunPod`
  return finding(code, cause, next, phase.nextAttemptAt)
}

function processing(
  job: Job,
  phase: PhaseIn<'running' | 'verifying'>,
  attempt: Attempt,
  now: number,
): Finding {
  const name = attemptName(job, attempt)
  if (phase.step === 'verifying') {
    if (phase.misses === 0) return wasFound(attempt) ? found(job, attempt) : plain(job, 'under_way')
    const cause = `${name} is said to be done, but its output is not in storage (${phase.misses} of ${LOOKS} looks)`
    return finding('output_missing', cause, 'look for it again', phase.lookAt)
  }
  const { lostAt = null } = phase.line ?? {}
  if (lostAt !== null) {
    const cause = `The line of the worker of ${name.toLowerCase()} is lost since ${iso(lostAt)}`
    return finding('stalled', cause, 'ask RunPod whether it still runs', phase.stallAt)
  }
  if (!isSilent(job, now)) return plain(job, 'under_way')
  const heard = heardAt(job, attempt)
  const wasAsked = phase.stallAt > heard + job.request.policy.stallTimeoutMs
  const asked =
    phase.pollFailures > 0
      ? ' and RunPod does not answer'
      : wasAsked
        ? ' though RunPod says that it still runs'
        : ''
  const cause = `The worker of ${name.toLowerCase()} has not reported since ${iso(heard)}${asked}`
  const stops = phase.timeoutAt <= phase.stallAt
  return stops
    ? finding('stalled', cause, 'stop the attempt at its execution timeout', phase.timeoutAt)
    : finding('stalled', cause, 'ask RunPod about it again', phase.stallAt)
}

function cancelling(job: Job, phase: PhaseIn<'cancelling'>): Finding {
  const owed = nextCancel(job)
  const sent = owed?.tries ? ` although it was told ${times(owed.tries)}` : ''
  const cause = `Cancel was asked for at ${iso(phase.askedAt)} and RunPod has not confirmed it${sent}`
  return owed && owed.dueAt < phase.giveUpAt
    ? finding('cancel_unconfirmed', cause, 'tell RunPod again to stop it', owed.dueAt)
    : finding('cancel_unconfirmed', cause, 'end the job as cancelled, unconfirmed', phase.giveUpAt)
}

function unconfirmed(job: Job): Finding {
  const owed = nextCancel(job)
  const cause = 'The job was cancelled here, but RunPod never confirmed that it stopped'
  if (!owed) return { code: 'cancel_unconfirmed', cause, next: nextActionOf(job) }
  return finding('cancel_unconfirmed', cause, 'tell RunPod again to stop it', owed.dueAt)
}

function nextCancel(job: Job): { dueAt: number; tries: number } | null {
  const owed = owedCancels(job).map(({ cancel }) => cancel)
  return owed.sort((a, b) => a.dueAt - b.dueAt)[0] ?? null
}

/** Its completion was discovered by a poll or a check of storage, not reported. */
function wasFound({ doneBy }: Attempt): boolean {
  return doneBy === 'poll' || doneBy === 'look'
}

function found(job: Job, attempt: Attempt): Finding {
  const how = attempt.doneBy === 'poll' ? 'by asking RunPod' : 'by looking for its output in storage'
  const cause = `Neither a report nor RunPod’s webhook told the end of ${attemptName(job, attempt).toLowerCase()}; it was found ${how}`
  return { code: 'lost_webhook', cause, next: nextActionOf(job) }
}

function deadlineNear(job: Job, now: number): Finding | null {
  if (!isNearDeadline(job, now)) return null
  const at = deadlineAt(job)
  const end =
    job.phase.status === 'cancelling'
      ? 'end it as cancelled'
      : 'end it as deadline_exceeded unless it is done or put off'
  return finding('deadline_near', 'The job is close to its deadline', end, at)
}

export function isNearDeadline(job: Job, now: number): boolean {
  return isUnfinished(job.phase) && now >= nearAt(job)
}

function nearAt(job: Job): number {
  const at = deadlineAt(job)
  return at - Math.min(NEAR_MS, (at - job.roundStartedAt) / 10)
}

/** The worker has sent no report, and its line no ping, for the stall timeout of the policy. */
export function isSilent(job: Job, now: number): boolean {
  const { phase } = job
  const attempt = latestAttempt(job)
  if (!attempt || !isIn(phase, 'running') || (phase.line?.asks === 0 && now < phase.stallAt)) return false
  return now - heardAt(job, attempt) >= job.request.policy.stallTimeoutMs
}

/** The instant of the worker's last report or start. */
function heardAt(job: Job, attempt: Attempt): number {
  return Math.max(job.progress.reportedAt ?? 0, attempt.runningAt ?? 0)
}

function throttled({ breaker }: Job): Finding | null {
  if (!breaker.tripped) return null
  const cause = 'The job woke far more often than its clocks explain, so its alarm is held a minute apart'
  return { code: 'wakes_throttled', cause, next: null }
}

function mirrorBehind({ outbox: { mirror } }: Job): Finding | null {
  if (!mirror || mirror.tries === 0) return null
  const cause = `The list in D1 is behind: it could not be written ${times(mirror.tries)}`
  return finding('mirror_behind', cause, 'write the row again', mirror.dueAt)
}

function webhooks({ outbox }: Job): Finding[] {
  return outbox.webhooks
    .filter(({ tries }) => tries > 0)
    .map(({ event, tries, dueAt }) =>
      finding(
        'webhook_failing',
        `The webhook’s receiver did not take “${event}” (tried ${times(tries)})`,
        'send it again',
        dueAt,
      ),
    )
}

function plain(job: Job, code: 'under_way' | 'ended'): Finding {
  return { code, cause: sentence(reasonOf(job)), next: nextActionOf(job) }
}

function finding(code: FindingCode, cause: string, what: string, at: number): Finding {
  return { code, cause, next: { what, at: iso(at) } }
}

function times(n: number): string {
  return n === 1 ? 'once' : `${n} times`
}

/** Removes the full stop, so that the text can be continued. */
function sentence(text: string): string {
  return text.replace(/\.$/, '')
}

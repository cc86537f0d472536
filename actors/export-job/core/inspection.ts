/** A job opened up for an operator: what the shown job leaves out, in the same names and forms. */
import { costOfAttempt } from './costs.ts'
import { sameRef } from './draft.ts'
import { type Finding, findingsOf, findingsUntil } from './findings.ts'
import { iso } from './iso.ts'
import type { Attempt, Job, Owed, Policy } from './job.ts'
import { WHAT } from './reason.ts'
import { type ClockName, cancelIsOwed, clocks, deadlineAt, wakeAt } from './schedule.ts'

export interface AttemptView {
  round: number
  attempt: number
  runpod_job_id: string | null
  output_video_key: string
  /** Committed, and sent to RunPod just after. */
  dispatched_at: string
  queued_at: string | null
  started_at: string | null
  ended_at: string | null
  /** What RunPod's job is known to be: it may outlive the attempt. */
  remote: Attempt['remote']
  remote_ended_at: string | null
  outcome: 'open' | 'won' | 'failed' | 'closed'
  failure: { code: string; message: string; retryable: boolean } | null
  done_by: string | null
  cancel: { asked_at: string; tries: number; next_try_at: string | null; confirmed_at: string | null } | null
  /** RunPod's own figures. */
  delay_seconds: number | null
  execution_seconds: number | null
  worker_id: string | null
  gpu_seconds: number
  estimated: boolean
  cost: number | null
  wasted: boolean
  late_reports: number
}

export interface OwedView {
  tries: number
  next_try_at: string
}

export interface Inspection {
  status: string
  step: string | null
  round_started_at: string
  saved_at: string
  findings: Finding[]
  /** When the findings may be others although nothing has happened; null when only an event changes them. */
  findings_until: string | null
  clocks: { name: ClockName; what: string; at: string }[]
  /** When the job wants its alarm to ring. */
  wake_at: string | null
  deadline: { at: string; extended: boolean }
  policy: Record<keyof Policy, number>
  webhook: { url: string; events: string[] } | null
  attempts: AttemptView[]
  outbox: {
    mirror: (OwedView & { version: number }) | null
    mirrored_at: string | null
    sweep: (OwedView & { last: boolean }) | null
    archive: OwedView | null
    webhooks: (OwedView & { id: string; event: string })[]
    /** Those of which nothing is owed any more, and which can be sent again. */
    webhooks_settled: { id: string; event: string; at: string }[]
    webhooks_refused: boolean
  }
  breaker: { level: number; tripped: boolean; strikes: number }
}

export function inspectionOf(job: Job, pricePerSecond: number | null, now: number): Inspection {
  const { phase, outbox, breaker } = job
  const { webhook } = job.request
  return {
    status: phase.status,
    step: 'step' in phase ? phase.step : null,
    round_started_at: iso(job.roundStartedAt),
    saved_at: iso(job.savedAt),
    findings: findingsOf(job, now),
    findings_until: instant(findingsUntil(job, now)),
    clocks: clocks(job)
      .sort((a, b) => a.at - b.at)
      .map(({ name, at }) => ({ name, what: WHAT[name], at: iso(at) })),
    wake_at: instant(wakeAt(job)),
    deadline: { at: iso(deadlineAt(job)), extended: job.extendedDeadlineAt !== undefined },
    policy: job.request.policy,
    webhook: webhook && { url: webhook.url, events: [...webhook.events] },
    attempts: job.attempts.map((attempt) => attemptView(job, attempt, pricePerSecond)),
    outbox: {
      mirror: outbox.mirror && { ...owedView(outbox.mirror), version: outbox.mirror.version },
      mirrored_at: instant(outbox.mirroredAt),
      sweep: outbox.sweep && { ...owedView(outbox.sweep), last: outbox.sweep.last },
      archive: outbox.archive && owedView(outbox.archive),
      webhooks: outbox.webhooks.map((owed) => ({ ...owedView(owed), id: owed.id, event: owed.event })),
      webhooks_settled: outbox.webhooksSettled.map(({ id, event, at }) => ({ id, event, at: iso(at) })),
      webhooks_refused: outbox.webhooksRefused,
    },
    breaker: { level: breaker.level, tripped: breaker.tripped, strikes: breaker.strikes },
  }
}

function attemptView(job: Job, attempt: Attempt, pricePerSecond: number | null): AttemptView {
  const { usage, cancel, late } = attempt
  const { gpuMs, estimated } = costOfAttempt(attempt, job.request.policy.executionTimeoutMs)
  const outcome = outcomeOf(job, attempt)
  return {
    round: attempt.round,
    attempt: attempt.attempt,
    runpod_job_id: attempt.runpodJobId,
    output_video_key: attempt.outputKey,
    dispatched_at: iso(attempt.startedAt),
    queued_at: instant(attempt.queuedAt),
    started_at: instant(attempt.runningAt),
    ended_at: instant(attempt.endedAt),
    remote: attempt.remote,
    remote_ended_at: instant(attempt.remoteEndedAt),
    outcome,
    failure: attempt.failure && { ...attempt.failure },
    done_by: attempt.doneBy ?? null,
    cancel: cancel && {
      asked_at: iso(cancel.askedAt),
      tries: cancel.tries,
      next_try_at: cancelIsOwed(attempt) ? iso(cancel.dueAt) : null,
      confirmed_at: instant(cancel.confirmedAt),
    },
    delay_seconds: seconds(usage?.delayMs ?? null),
    execution_seconds: seconds(usage?.executionMs ?? null),
    worker_id: usage?.workerId ?? null,
    gpu_seconds: gpuMs / 1000,
    estimated,
    cost: pricePerSecond === null ? null : Math.round(gpuMs * pricePerSecond * 1000) / 1_000_000,
    wasted: (outcome === 'failed' || outcome === 'closed') && gpuMs > 0,
    late_reports: late.progress + late.complete + late.error,
  }
}

function outcomeOf({ phase }: Job, attempt: Attempt): AttemptView['outcome'] {
  if (phase.status === 'complete' && sameRef(phase.winner, attempt)) return 'won'
  if (attempt.endedAt === null) return 'open'
  return attempt.failure ? 'failed' : 'closed'
}

function owedView({ tries, dueAt }: Owed): OwedView {
  return { tries, next_try_at: iso(dueAt) }
}

function instant(at: number | null): string | null {
  return at === null ? null : iso(at)
}

function seconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1000
}

/** The internal state of a job for operators: what the shown job leaves out, in the same names and formats. */
import type { InspectedAttempt, Inspection, OwedJson } from '../../../../wire/admin.ts'
import { isWinner } from '../attempts.ts'
import { deadlineAt } from '../clock.ts'
import { iso } from '../iso.ts'
import type { Attempt, Job, Owed } from '../job.ts'
import { cancelIsOwed } from '../remote.ts'
import { clocks, wakeAt } from '../schedule.ts'
import { costOfAttempt, type Prices, priceOf } from './costs.ts'
import { instant } from './facts.ts'
import { findingsOf, findingsUntil } from './findings.ts'

export function inspectionOf(job: Job, prices: Prices, now: number): Inspection {
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
      .map(({ name, what, at }) => ({ name, what, at: iso(at) })),
    wake_at: instant(wakeAt(job)),
    deadline: { at: iso(deadlineAt(job)), extended: job.extendedDeadlineAt !== undefined },
    policy: { ...job.request.policy },
    webhook: webhook && { url: webhook.url, events: [...webhook.events] },
    attempts: job.attempts.map((attempt) => attemptView(job, attempt, prices)),
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

function attemptView(job: Job, attempt: Attempt, prices: Prices): InspectedAttempt {
  const { usage, cancel, late } = attempt
  const { gpuMs, estimated } = costOfAttempt(attempt, job.request.policy.executionTimeoutMs)
  const outcome = outcomeOf(job, attempt)
  const pricePerSecond = priceOf(attempt, prices)
  return {
    round: attempt.round,
    attempt: attempt.attempt,
    endpoint: attempt.endpoint ? { name: attempt.endpoint.name, url: attempt.endpoint.url } : null,
    runpod_job_id: attempt.runpodJobId,
    output_video_key: attempt.outputKey,
    dispatched_at: iso(attempt.startedAt),
    queued_at: instant(attempt.queuedAt),
    started_at: instant(attempt.runningAt),
    ended_at: instant(attempt.endedAt),
    remote: attempt.remote,
    remote_ended_at: instant(attempt.remoteEndedAt),
    outcome,
    counts: !attempt.uncounted,
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

function outcomeOf(job: Job, attempt: Attempt): InspectedAttempt['outcome'] {
  if (isWinner(job, attempt)) return 'won'
  if (attempt.endedAt === null) return 'open'
  return attempt.failure ? 'failed' : 'closed'
}

function owedView({ tries, dueAt }: Owed): OwedJson {
  return { tries, next_try_at: iso(dueAt) }
}

function seconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1000
}

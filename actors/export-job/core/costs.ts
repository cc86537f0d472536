/**
 * What a job cost: GPU seconds of every attempt, from RunPod's own figures where it gave them and from our clocks
 * where it did not, with the seconds that bought nothing apart.
 */
import type { JobUsage } from '../../../wire/job.ts'
import { sameRef } from './draft.ts'
import type { Attempt, Job } from './job.ts'

/** Every figure of what a job cost. */
export type CostView = Required<JobUsage>

export interface AttemptCost {
  gpuMs: number
  afterCancelMs: number
  queueMs: number
  estimated: boolean
}

export function costsOf(job: Job, pricePerSecond: number | null): CostView {
  const winner = job.phase.status === 'complete' ? job.phase.winner : null
  const active = !('endedAt' in job.phase)
  let gpuMs = 0
  let wastedMs = 0
  let afterCancelMs = 0
  let queueMs = 0
  let estimated = false
  for (const attempt of job.attempts) {
    const cost = costOfAttempt(attempt, job.request.policy.executionTimeoutMs)
    gpuMs += cost.gpuMs
    afterCancelMs += cost.afterCancelMs
    queueMs += cost.queueMs
    estimated ||= cost.estimated
    const won = winner !== null && sameRef(winner, attempt)
    if (!won && !(active && attempt.endedAt === null)) wastedMs += cost.gpuMs
  }
  const money = (ms: number) => (pricePerSecond === null ? null : round((ms / 1000) * pricePerSecond, 6))
  return {
    gpu_seconds: round(gpuMs / 1000, 3),
    wasted_seconds: round(wastedMs / 1000, 3),
    after_cancel_seconds: round(afterCancelMs / 1000, 3),
    queue_seconds: round(queueMs / 1000, 3),
    estimated,
    cost: money(gpuMs),
    wasted_cost: money(wastedMs),
  }
}

/**
 * @param longestMs the execution timeout, at which RunPod itself stops a run: one whose end was never heard of is not
 * taken to have cost more
 */
export function costOfAttempt(attempt: Attempt, longestMs: number): AttemptCost {
  const { usage, runningAt, cancel } = attempt
  const stopped = (at: number | null) =>
    at === null || runningAt === null ? null : Math.min(at, runningAt + longestMs)
  const endedAt = stopped(attempt.remoteEndedAt ?? attempt.endedAt)
  const told = usage?.executionMs ?? null
  const ran = runningAt === null || endedAt === null ? 0 : Math.max(0, endedAt - runningAt)
  const stopsAt = stopped(cancel?.confirmedAt ?? null)
  const clickedAt = cancel && runningAt !== null ? Math.max(cancel.askedAt, runningAt) : null
  return {
    gpuMs: told ?? ran,
    afterCancelMs: clickedAt !== null && stopsAt !== null ? Math.max(0, stopsAt - clickedAt) : 0,
    queueMs: usage?.delayMs ?? 0,
    estimated: told === null && runningAt !== null,
  }
}

function round(value: number, digits: number): number {
  const scale = 10 ** digits
  return Math.round(value * scale) / scale
}

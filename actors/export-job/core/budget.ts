/** The GPU seconds that a job may use in one round, by `policy.max_gpu_seconds`. */
import type { Attempt, Failure, Job } from './job.ts'
import { costOfAttempt } from './shown/costs.ts'
import { failure } from './verdicts.ts'

/** The remaining budget at `now`, in milliseconds, never below zero; Infinity without a limit. */
export function budgetLeftMs({ round, attempts, request }: Job, now: number): number {
  const { maxGpuMs, executionTimeoutMs } = request.policy
  if (maxGpuMs === undefined) return Number.POSITIVE_INFINITY
  const used = (attempt: Attempt) =>
    attempt.endedAt === null && attempt.runningAt !== null
      ? now - attempt.runningAt
      : costOfAttempt(attempt, executionTimeoutMs).gpuMs
  const all = attempts.filter((each) => each.round === round)
  return Math.max(0, maxGpuMs - all.reduce((sum, each) => sum + used(each), 0))
}

/**
 * No attempt follows, but a manual retry begins a round with a budget of its own.
 *
 * @param last the failure of the last attempt, if it was not the budget
 */
export function budgetExceeded({ request }: Job, last?: Failure): Failure {
  const seconds = (request.policy.maxGpuMs ?? 0) / 1000
  const why = `The attempts have used the ${seconds} GPU seconds that this job may use.`
  return failure('budget_exceeded', last ? `${why} The last one failed: ${last.message}` : why, true)
}

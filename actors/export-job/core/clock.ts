/** The type of a clock, an instant at which the alarm must fire, and the clocks that are shared by several states. */
import type { Job } from './job.ts'
import { isUnfinished } from './phase.ts'
import { LAST_LOOK_SLACK_MS } from './policy.ts'

export interface Clock {
  /** Shown to operators. */
  readonly name: string
  readonly at: number
  /** The action that follows at that instant, as the continuation of "next:". */
  readonly what: string
  /** Shown to people only when no other clock is pending. */
  readonly isHousekeeping?: boolean
}

export function deadlineAt(job: Job): number {
  return job.extendedDeadlineAt ?? job.roundStartedAt + job.request.policy.deadlineMs
}

export function deadlineClocks(job: Job): Clock[] {
  if (!isUnfinished(job.phase)) return []
  return [{ name: 'deadline', at: deadlineAt(job), what: 'end the job at its deadline' }]
}

/** The instant after which nothing can be stored under the job's prefix, since every issued upload URL has expired. */
export function lastUploadEndsAt(job: Job): number {
  return Math.max(0, ...job.attempts.map((attempt) => attempt.ttlEndsAt + LAST_LOOK_SLACK_MS))
}

/** What the D1 row of a job says: enough to list it, to find it when it is overdue, and to answer for it once retired. */
import { latestAttempt } from './attempts.ts'
import { costsOf } from './costs.ts'
import type { Job, JobStatus } from './job.ts'
import { deadlineAt, naturalWakeAt } from './schedule.ts'
import { errorOf, startedAt } from './view.ts'

/** The columns that change after birth, by their names in D1. Instants are milliseconds. */
export interface MirrorRow {
  version: number
  status: JobStatus
  progress: number
  stage: string | null
  output_video_key: string | null
  error: string | null
  error_code: string | null
  runpod_job_id: string | null
  attempt: number
  round: number
  started_at: number | null
  finished_at: number | null
  expires_at: number | null
  due_at: number | null
  gpu_seconds: number
  wasted_seconds: number
  /** From the start of the round until a worker first ran it; null when none did. */
  queue_seconds: number | null
  /** From the start of the round to its end. */
  total_seconds: number | null
  webhooks_taken: number
  webhooks_failed: number
}

/** Null when the job is being deleted: its row is removed, not written. */
export function mirrorRowOf(job: Job): MirrorRow | null {
  const { phase, progress } = job
  if (phase.status === 'deleting' || phase.status === 'gone') return null
  const latest = latestAttempt(job)
  const error = errorOf(job)
  const costs = costsOf(job, null)
  const ended = 'endedAt' in phase
  return {
    version: job.version,
    status: phase.status,
    progress: progress.percent,
    stage: progress.stage,
    output_video_key: phase.status === 'complete' ? phase.output.key : null,
    error: error ? JSON.stringify(error) : null,
    error_code: error?.code ?? null,
    runpod_job_id: latest?.runpodJobId ?? null,
    attempt: latest?.attempt ?? 0,
    round: job.round,
    started_at: startedAt(job),
    finished_at: ended ? phase.endedAt : null,
    expires_at: ended ? phase.expiresAt : null,
    due_at: dueAt(job),
    gpu_seconds: costs.gpu_seconds,
    wasted_seconds: costs.wasted_seconds,
    queue_seconds: secondsSince(job, startedAt(job)),
    total_seconds: ended ? secondsSince(job, phase.endedAt) : null,
    webhooks_taken: job.deliveries?.taken ?? 0,
    webhooks_failed: job.deliveries?.failed ?? 0,
  }
}

function secondsSince({ roundStartedAt }: Job, at: number | null): number | null {
  return at === null ? null : (at - roundStartedAt) / 1000
}

export type Column = [name: string, value: string | number | null]

/** The columns of `row` that differ from `last`, which is what D1 is known to hold; all of them when that is unknown. */
export function changedColumns(row: MirrorRow, last: { [K in keyof MirrorRow]: unknown } | null): Column[] {
  const before = new Map(last ? Object.entries(last) : [])
  return Object.entries(row).filter(
    ([name, value]: Column) => !before.has(name) || before.get(name) !== value,
  )
}

/** The latest instant by which the row must change again; the sweep revives a job that is well past it. */
export function dueAt(job: Job): number | null {
  const { phase } = job
  switch (phase.status) {
    case 'queued':
      return Math.min(phase.timeoutAt, deadlineAt(job))
    case 'processing':
      return phase.step === 'running' ? Math.min(phase.timeoutAt, deadlineAt(job)) : deadlineAt(job)
    case 'pending':
      return phase.step === 'waiting' ? phase.nextAttemptAt : phase.graceUntil
    case 'cancelling':
      return phase.giveUpAt
    case 'complete':
    case 'error':
    case 'cancelled':
    case 'deleting':
    case 'gone':
      return naturalWakeAt({ ...job, outbox: { ...job.outbox, mirror: null } })
  }
}

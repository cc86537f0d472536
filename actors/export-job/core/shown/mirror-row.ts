/** The D1 row of a job: enough to list it, to find it when it is overdue, and to represent it after retirement. */
import type { AttentionReason } from '../../../../wire/admin.ts'
import { countedAttempts, latestAttempt } from '../attempts.ts'
import { deadlineAt } from '../clock.ts'
import type { Counted, Job, JobStatus } from '../job.ts'
import { isIn, isUnfinished, waitingSince } from '../phase.ts'
import { HOUR } from '../policy.ts'
import { naturalWakeAt } from '../schedule.ts'
import { costsOf, NO_PRICES } from './costs.ts'
import { errorOf, startedAt } from './facts.ts'

/** The columns that change after birth, by their names in D1. Instants are milliseconds. */
export interface MirrorRow {
  version: number
  status: JobStatus
  /** The final status; `open` until then. The list's indices use this column. */
  outcome: JobStatus | 'open'
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
  waiting_since: number | null
  /** Of the rounds that have ended: both are added to the counters under the outcome of the round. */
  gpu_seconds: number
  wasted_seconds: number
  /** From the start of the round until a worker first started; null if none did. */
  queue_seconds: number | null
  /** From the start of the round to its end. */
  total_seconds: number | null
  webhooks_taken: number
  webhooks_failed: number
  /** Messages that failed at least once and will be tried again. */
  webhooks_owed: number
  attention: AttentionReason | null
  /** Since when `attention` has this value. */
  attention_at: number | null
}

/** Null for a job that is being deleted: its row is removed, not written. */
export function mirrorRowOf(job: Job): MirrorRow | null {
  const { phase, progress } = job
  if (phase.status === 'deleting' || phase.status === 'gone') return null
  const latest = latestAttempt(job)
  const error = errorOf(job)
  const ended = 'endedAt' in phase
  const earlier = job.attempts.filter((attempt) => attempt.round < job.round)
  const costs = costsOf(ended ? job : { ...job, attempts: earlier }, NO_PRICES)
  return {
    version: job.version,
    status: phase.status,
    outcome: ended ? phase.status : 'open',
    progress: progress.percent,
    stage: progress.stage,
    output_video_key: phase.status === 'complete' ? phase.output.key : null,
    error: error ? JSON.stringify(error) : null,
    error_code: error?.code ?? null,
    runpod_job_id: latest?.runpodJobId ?? null,
    attempt: countedAttempts(job),
    round: job.round,
    started_at: startedAt(job),
    finished_at: ended ? phase.endedAt : null,
    expires_at: ended ? phase.expiresAt : null,
    due_at: dueAt(job),
    waiting_since: waitingSince(job),
    gpu_seconds: costs.gpu_seconds,
    wasted_seconds: costs.wasted_seconds,
    queue_seconds: secondsSince(job, startedAt(job)),
    total_seconds: ended ? secondsSince(job, phase.endedAt) : null,
    webhooks_taken: job.deliveries?.taken ?? 0,
    webhooks_failed: job.deliveries?.failed ?? 0,
    webhooks_owed: job.outbox.webhooks.filter(({ tries }) => tries > 0).length,
    attention: job.attention?.reason ?? null,
    attention_at: job.attention?.since ?? null,
  }
}

/** The row that the Worker inserts before it calls `create`, with `due_at` now. */
export const BORN: MirrorRow = {
  version: 0,
  status: 'pending',
  outcome: 'open',
  progress: 0,
  stage: null,
  output_video_key: null,
  error: null,
  error_code: null,
  runpod_job_id: null,
  attempt: 0,
  round: 1,
  started_at: null,
  finished_at: null,
  expires_at: null,
  due_at: null,
  waiting_since: null,
  gpu_seconds: 0,
  wasted_seconds: 0,
  queue_seconds: null,
  total_seconds: null,
  webhooks_taken: 0,
  webhooks_failed: 0,
  webhooks_owed: 0,
  attention: null,
  attention_at: null,
}

/** The columns of the row from which D1 derives its counters. */
export function countedOf(row: MirrorRow): Counted {
  const { status, round, attempt, finished_at, gpu_seconds, wasted_seconds } = row
  const { webhooks_taken, webhooks_failed } = row
  return {
    status,
    round,
    attempt,
    finished_at,
    gpu_seconds,
    wasted_seconds,
    webhooks_taken,
    webhooks_failed,
  }
}

/** The counted columns of a job without a previous write. */
export const NOTHING_COUNTED = countedOf(BORN)

function secondsSince({ roundStartedAt }: Job, at: number | null): number | null {
  return at === null ? null : (at - roundStartedAt) / 1000
}

export type Column = [name: string, value: string | number | null]

/** The columns of `row` that differ from `last`, the known content of D1; all of them when that is unknown. */
export function changedColumns(row: MirrorRow, last: { [K in keyof MirrorRow]: unknown } | null): Column[] {
  const before = new Map(last ? Object.entries(last) : [])
  return Object.entries(row).filter(
    ([name, value]: Column) => !before.has(name) || before.get(name) !== value,
  )
}

/**
 * How long a job that its lane holds back may keep its row. It asks every 15 minutes without a write to D1; the sweep
 * would take each such job for one whose alarm was lost. A lost one is called by its lane as well, when there is a place.
 */
const HELD_BACK_MS = 6 * HOUR

/** The latest instant by which the row must change again; the cron sweep revives a job that is well overdue. */
export function dueAt(job: Job): number | null {
  const { phase } = job
  if (isIn(phase, 'waiting')) return phase.nextAttemptAt
  if (isIn(phase, 'asking'))
    return phase.queue ? Math.min(job.savedAt + HELD_BACK_MS, deadlineAt(job)) : phase.askAt
  if (isIn(phase, 'dispatching')) return phase.graceUntil
  if (isIn(phase, 'cancelling')) return phase.giveUpAt
  if ('timeoutAt' in phase) return Math.min(phase.timeoutAt, deadlineAt(job))
  if (isUnfinished(phase)) return deadlineAt(job)
  return naturalWakeAt({ ...job, outbox: { ...job.outbox, mirror: null } })
}

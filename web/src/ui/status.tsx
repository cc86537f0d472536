import type { Job, JobStatus } from '../../../client/index.ts'
import { span } from '../format.ts'

const WORDS: Record<JobStatus, string> = {
  pending: 'Waiting',
  queued: 'Queued',
  processing: 'Running',
  cancelling: 'Cancelling',
  complete: 'Complete',
  error: 'Failed',
  cancelled: 'Cancelled',
}

export const STATUSES = Object.keys(WORDS) as JobStatus[]

export function statusWord(status: JobStatus): string {
  return WORDS[status]
}

export function StatusBadge({ status }: { status: JobStatus }) {
  return (
    <span class="badge" data-status={status}>
      {WORDS[status]}
    </span>
  )
}

type BarJob = Pick<Job, 'status' | 'progress' | 'stage'> & { eta_seconds?: number | null }

interface BarProps {
  job: BarJob
  /** What the bar is of, for who cannot see it. */
  label: string
}

/** Percent as a bar. Before a worker runs there is no percent to show: the bar says so by moving. */
export function Bar({ job, label }: BarProps) {
  const waiting = job.status === 'pending' || job.status === 'queued' || job.status === 'cancelling'
  const percent = job.status === 'complete' ? 100 : job.progress
  return (
    <div
      class="bar"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={waiting ? undefined : Math.floor(percent)}
      aria-valuetext={
        waiting ? WORDS[job.status] : `${Math.floor(percent)} %${job.stage ? `, ${job.stage}` : ''}`
      }
      data-status={job.status}
      data-waiting={waiting && percent === 0}
    >
      <div class="bar-fill" style={{ transform: `scaleX(${percent / 100})` }} />
    </div>
  )
}

/** `about 31 s left`, or nothing where the worker does not say. */
export function timeLeft(job: BarJob): string | null {
  if (job.eta_seconds == null || job.status !== 'processing') return null
  return job.eta_seconds < 1 ? 'almost there' : `about ${span(job.eta_seconds * 1000)} left`
}

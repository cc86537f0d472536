import type { Job, JobStatus } from '../../../client/index.ts'

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

type BarJob = Pick<Job, 'status' | 'progress' | 'stage'>

interface BarProps {
  job: BarJob
  /** The accessible label of the bar. */
  label: string
}

/** Percent as a bar. Before a worker runs there is no percentage, and the bar is animated instead. */
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

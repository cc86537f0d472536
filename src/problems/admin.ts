/** What an operator's actions may be refused for. */
import type { ProblemEntry } from './entry.ts'

export const ADMIN_PROBLEMS = {
  job_cancelled: {
    statuses: [409],
    cause: 'The job was cancelled, so it cannot be failed as well.',
    remedy: 'Retry it to begin a new round, or leave it.',
  },
  job_ended: {
    statuses: [409],
    cause: 'The job has ended, so it has no deadline to put off.',
    remedy: 'Retry it to begin a new round with a deadline of its own.',
  },
  nothing_to_ask: {
    statuses: [409],
    cause: 'Nothing of the job runs at RunPod under an id that is known, so RunPod cannot be asked about it.',
    remedy: 'Look at the next step of the job; use “retry now” to have it come sooner.',
  },
  deadline_not_later: {
    statuses: [409],
    cause: 'The deadline that was asked for is earlier than the job’s own.',
    remedy: 'Ask for a later one, or end the job by hand.',
  },
  deadline_too_late: {
    statuses: [409],
    cause: 'A deadline may be at most 14 days after the start of the job’s round.',
    remedy: 'Ask for an earlier one.',
  },
} as const satisfies Record<string, ProblemEntry>

/** Problems of operators' actions. */
import type { ProblemEntry } from './entry.ts'

export const ADMIN_PROBLEMS = {
  lane_not_found: {
    statuses: [404],
    cause: 'No endpoint of the settings has this name, and no unfinished job names it.',
    remedy: 'Take the name from `GET /api/admin/lanes`.',
  },
  lane_unavailable: {
    statuses: [503],
    cause: 'The actor of the lane could not be reached, or is overloaded.',
    remedy: 'Wait for `Retry-After`, then ask again; jobs go without their lane meanwhile.',
  },
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
  attempt_not_open: {
    statuses: [409],
    cause: 'The attempt that was to be given up is not, or no longer, the one that the job waits for.',
    remedy: 'Open the job again; its attempts say which is open.',
  },
  no_attempt_left: {
    statuses: [409],
    cause: 'The attempt cannot be given up for another one: `max_attempts` are used up.',
    remedy: 'Cancel the job, or end it by hand, and retry it.',
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

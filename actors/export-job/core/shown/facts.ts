/** Parts of a shown job in the names of the API, shared by the view, the row in D1 and webhooks. */
import type { JobJson, JobProgress } from '../../../../wire/job.ts'
import { countedAttempts } from '../attempts.ts'
import { iso } from '../iso.ts'
import type { Job, JobRequest, QueuePlace } from '../job.ts'
import { isBetweenAttempts, isIn } from '../phase.ts'

/** The input: a stored file, or an external URL. */
export function inputOf({
  inputVideoKey,
  inputVideoUrl,
}: JobRequest): Pick<JobJson, 'input_video_key' | 'input_video_url'> {
  return { input_video_key: inputVideoKey || null, input_video_url: inputVideoUrl?.shown ?? null }
}

export function progressOf(job: Job): JobProgress {
  const { progress, phase } = job
  const ended = 'endedAt' in phase
  return {
    progress: progress.percent,
    stage: progress.stage,
    message: progress.message,
    eta_seconds: progress.etaMs === null || ended ? null : Math.round(progress.etaMs / 1000),
    attempt: countedAttempts(job),
    round: job.round,
    queue: queueJson(job),
  }
}

/** The last answer of the endpoint's lane; null while the job does not wait for a place. */
export function queueOf({ phase }: Job): QueuePlace | null {
  return isIn(phase, 'asking') ? phase.queue : null
}

function queueJson(job: Job): JobJson['queue'] {
  const queue = queueOf(job)
  if (!queue) return null
  const { ahead, aheadOfProject, asOf, paused, reason } = queue
  return { ahead, ahead_of_project: aheadOfProject, as_of: iso(asOf), paused, reason }
}

/** When a worker first started an attempt of this round. */
export function startedAt(job: Job): number | null {
  const starts = job.attempts.flatMap((attempt) =>
    attempt.round === job.round && attempt.runningAt !== null ? [attempt.runningAt] : [],
  )
  return starts.length === 0 ? null : Math.min(...starts)
}

export function errorOf(job: Job): JobJson['error'] {
  const { phase } = job
  const failed = phase.status === 'error' || isBetweenAttempts(phase)
  return failed && phase.failure ? { ...phase.failure } : null
}

export function cancelOf(job: Job): JobJson['cancel'] {
  const { phase } = job
  if (phase.status === 'cancelling') return { requested_at: iso(phase.askedAt), confirmed: false }
  if (phase.status === 'cancelled') return { requested_at: iso(phase.askedAt), confirmed: phase.confirmed }
  return null
}

export function instant(at: number | null): string | null {
  return at === null ? null : iso(at)
}

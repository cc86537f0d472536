/** The job as everyone sees it: snake_case, RFC 3339 instants, a sentence that says why, and what happens next. */
import type { JobJson, JobProgress } from '../../../wire/job.ts'
import { latestAttempt } from './attempts.ts'
import { type CostView, costsOf } from './costs.ts'
import { iso } from './iso.ts'
import type { Job } from './job.ts'
import { nextActionOf, reasonOf } from './reason.ts'

/** What the core knows of the job as it is shown. */
export type JobView = Omit<JobJson, 'input_url' | 'output_url' | 'urls' | 'archived'> & { usage: CostView }

export function progressOf(job: Job): JobProgress {
  const { progress, phase } = job
  const ended = 'endedAt' in phase
  return {
    progress: progress.percent,
    stage: progress.stage,
    message: progress.message,
    eta_seconds: progress.etaMs === null || ended ? null : Math.round(progress.etaMs / 1000),
    attempt: latestAttempt(job)?.attempt ?? 0,
    round: job.round,
  }
}

/** What the API shows of a job; null when it is being deleted, or gone. */
export function viewOf(job: Job, pricePerSecond: number | null = null): JobView | null {
  const { phase, request, progress } = job
  if (phase.status === 'deleting' || phase.status === 'gone') return null
  const latest = latestAttempt(job)
  const ended = 'endedAt' in phase
  return {
    id: request.id,
    project_id: request.projectId,
    type: request.type,
    status: phase.status,
    ...progressOf(job),
    last_report_at: instant(progress.reportedAt),
    reason: reasonOf(job),
    next_action: nextActionOf(job),
    input_video_key: request.inputVideoKey,
    output_video_key: phase.status === 'complete' ? phase.output.key : null,
    output_size_bytes: phase.status === 'complete' ? phase.output.size : null,
    params: request.params,
    metadata: request.metadata,
    tags: [...request.tags],
    max_attempts: request.policy.maxAttempts,
    runpod_job_id: latest?.runpodJobId ?? null,
    next_attempt_at: nextAttemptAt(job),
    error: errorOf(job),
    cancel: cancelOf(job),
    usage: costsOf(job, pricePerSecond),
    created_at: iso(request.createdAt),
    started_at: instant(startedAt(job)),
    finished_at: ended ? iso(phase.endedAt) : null,
    expires_at: ended ? iso(phase.expiresAt) : null,
    version: job.version,
  }
}

/** When a worker first ran an attempt of this round. */
export function startedAt(job: Job): number | null {
  const starts = job.attempts.flatMap((attempt) =>
    attempt.round === job.round && attempt.runningAt !== null ? [attempt.runningAt] : [],
  )
  return starts.length === 0 ? null : Math.min(...starts)
}

export function errorOf(job: Job): JobView['error'] {
  const { phase } = job
  const failed = phase.status === 'error' || (phase.status === 'pending' && phase.step === 'waiting')
  return failed && phase.failure ? { ...phase.failure } : null
}

function nextAttemptAt(job: Job): string | null {
  const { phase } = job
  return phase.status === 'pending' && phase.step === 'waiting' && !phase.exhausted
    ? iso(phase.nextAttemptAt)
    : null
}

function cancelOf(job: Job): JobView['cancel'] {
  const { phase } = job
  if (phase.status === 'cancelling') return { requested_at: iso(phase.askedAt), confirmed: false }
  if (phase.status === 'cancelled') return { requested_at: iso(phase.askedAt), confirmed: phase.confirmed }
  return null
}

function instant(at: number | null): string | null {
  return at === null ? null : iso(at)
}

/** The job as the API shows it: snake_case, RFC 3339 instants, a reason and the next action. */
import type { JobJson } from '../../../../wire/job.ts'
import { latestAttempt } from '../attempts.ts'
import { iso } from '../iso.ts'
import type { Job } from '../job.ts'
import { isIn } from '../phase.ts'
import { DEFAULT_ENDPOINT } from '../policy.ts'
import { type CostView, costsOf, NO_PRICES, type Prices } from './costs.ts'
import { cancelOf, errorOf, inputOf, instant, progressOf, startedAt } from './facts.ts'
import { nextActionOf, reasonOf } from './reason.ts'

/** The part of the shown job that the core can compute. */
export type JobView = Omit<JobJson, 'input_url' | 'output_url' | 'poster_url' | 'urls' | 'archived'> & {
  usage: CostView
}

/** The job as the API shows it; null when it is being deleted, or gone. */
export function viewOf(job: Job, prices: Prices = NO_PRICES): JobView | null {
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
    ...inputOf(request),
    output_video_key: phase.status === 'complete' ? phase.output.key : null,
    output_size_bytes: phase.status === 'complete' ? phase.output.size : null,
    params: request.params,
    metadata: request.metadata,
    tags: [...request.tags],
    max_attempts: request.policy.maxAttempts,
    endpoint: request.policy.endpoint ?? DEFAULT_ENDPOINT,
    runpod_job_id: latest?.runpodJobId ?? null,
    next_attempt_at: nextAttemptAt(job),
    error: errorOf(job),
    cancel: cancelOf(job),
    usage: costsOf(job, prices),
    created_at: iso(request.createdAt),
    started_at: instant(startedAt(job)),
    finished_at: ended ? iso(phase.endedAt) : null,
    expires_at: ended ? iso(phase.expiresAt) : null,
    version: job.version,
  }
}

function nextAttemptAt(job: Job): string | null {
  const { phase } = job
  if (isIn(phase, 'asking')) return iso(phase.askAt)
  return isIn(phase, 'waiting') && !phase.exhausted ? iso(phase.nextAttemptAt) : null
}

/**
 * Builds webhook messages: the job as of its event, independent of the time of delivery. Only the parts that may change
 * are stored with the message; constant fields come from the request.
 *
 * `params` are left out and texts of a worker are cut, so that no body reaches the 20 kB that receivers must accept.
 */

import type { WebhookEvent } from '../../../../wire/events.ts'
import type { EndedStatus } from '../../../../wire/job.ts'
import { latestAttempt } from '../attempts.ts'
import { iso } from '../iso.ts'
import type { Job, JobRequest, JsonObject, WebhookMessage } from '../job.ts'
import { cutText } from '../text.ts'
import { cancelOf, errorOf, inputOf, instant, progressOf, startedAt } from './facts.ts'

/** In the order of a job's life; the record type makes the list complete. */
const EVENTS: Record<WebhookEvent, true> = {
  queued: true,
  processing: true,
  complete: true,
  error: true,
  cancelled: true,
}
const isEvent = (name: string): name is WebhookEvent => Object.hasOwn(EVENTS, name)

/** Events a caller may subscribe to; each is a type of the event log and the status reached. */
export const WEBHOOK_EVENTS: readonly WebhookEvent[] = Object.keys(EVENTS).filter(isEvent)
/** The default subscription: the end of the job. */
export const WEBHOOK_ENDS: readonly EndedStatus[] = ['complete', 'error', 'cancelled']

/** The Standard Webhooks specification: a body should stay under 20 kB. */
export const MAX_BODY_BYTES = 20_000
const MAX_ERROR_CHARACTERS = 500

/** The message of an event for this new version of the job; null when the job must not be shown. */
export function messageOf(job: Job, event: WebhookEvent, at: number): WebhookMessage | null {
  const { phase } = job
  if (phase.status === 'deleting' || phase.status === 'gone') return null
  const { progress, stage, attempt, round } = progressOf(job)
  const output = phase.status === 'complete' ? phase.output : null
  const error = errorOf(job)
  const payload: JsonObject = {
    status: phase.status,
    progress,
    stage,
    attempt,
    round,
    runpod_job_id: latestAttempt(job)?.runpodJobId ?? null,
    output_video_key: output?.key ?? null,
    output_size_bytes: output?.size ?? null,
    error: error && { ...error, message: cutText(error.message, MAX_ERROR_CHARACTERS) },
    cancel: cancelOf(job),
    started_at: instant(startedAt(job)),
    finished_at: 'endedAt' in phase ? iso(phase.endedAt) : null,
    version: job.version,
  }
  // An idempotency key reused after a deletion creates another job with the same id and the same versions.
  const { id, life } = job.request
  const unique = life === undefined ? id : `${id}.${life}`
  return { id: `${unique}.${job.version}.${event}`, event, at, told: payload }
}

/**
 * The body of a message, equal for each try except for the signature of its `output_url`.
 *
 * @param links absolute URLs that are currently valid
 */
export function bodyOf(
  message: WebhookMessage,
  request: JobRequest,
  links: { job: string | null; output: string | null },
): string {
  const job = {
    id: request.id,
    project_id: request.projectId,
    type: request.type,
    ...inputOf(request),
    max_attempts: request.policy.maxAttempts,
    metadata: request.metadata,
    tags: request.tags,
    created_at: iso(request.createdAt),
    ...message.told,
    output_url: links.output,
    url: links.job,
  }
  return JSON.stringify({ type: `job.${message.event}`, timestamp: iso(message.at), data: { job } })
}

/**
 * What a webhook says: the job as it stood at its event, whenever the message gets through. Only what may change is
 * kept with the message; the rest never changes, and comes from the request.
 *
 * `params` are left out and texts of a worker are cut, so that no body reaches the 20 kB that receivers must take.
 */

import type { WebhookEvent } from '../../../wire/events.ts'
import type { EndedStatus } from '../../../wire/job.ts'
import { iso } from './iso.ts'
import type { Job, JobRequest, JsonObject, WebhookMessage } from './job.ts'
import { cutText } from './text.ts'
import { viewOf } from './view.ts'

/** In the order of a job's life; the type names them all, so that none can be missing. */
const EVENTS: Record<WebhookEvent, true> = {
  queued: true,
  processing: true,
  complete: true,
  error: true,
  cancelled: true,
}
const isEvent = (name: string): name is WebhookEvent => Object.hasOwn(EVENTS, name)

/** Events a caller may ask for; each is a type of the event log, and the status that the job has come to. */
export const WEBHOOK_EVENTS: readonly WebhookEvent[] = Object.keys(EVENTS).filter(isEvent)
/** What is told when a caller names no events: that the job has ended. */
export const WEBHOOK_ENDS: readonly EndedStatus[] = ['complete', 'error', 'cancelled']

/** The Standard Webhooks specification: a body should stay under 20 kB. */
export const MOST_BODY_BYTES = 20_000
const MOST_ERROR_CHARACTERS = 500

/** The message of an event that this job, in its new version, has just come to; null when it must not be shown. */
export function messageOf(job: Job, event: WebhookEvent, at: number): WebhookMessage | null {
  const view = viewOf(job)
  if (!view) return null
  const { error } = view
  const told: JsonObject = {
    status: view.status,
    progress: view.progress,
    stage: view.stage,
    attempt: view.attempt,
    round: view.round,
    runpod_job_id: view.runpod_job_id,
    output_video_key: view.output_video_key,
    output_size_bytes: view.output_size_bytes,
    error: error && {
      ...error,
      message: cutText(error.message, MOST_ERROR_CHARACTERS),
    },
    cancel: view.cancel,
    started_at: view.started_at,
    finished_at: view.finished_at,
    version: view.version,
  }
  // A key that is used again after a deletion makes another job under the same id, with the same versions.
  const life = job.request.life === undefined ? view.id : `${view.id}.${job.request.life}`
  return { id: `${life}.${view.version}.${event}`, event, at, told }
}

/**
 * The body of every try of one message, the same each time but for the signature of its `output_url`.
 *
 * @param links absolute URLs as they are valid now
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
    input_video_key: request.inputVideoKey,
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

/** Problems of export jobs and their reports. */
import type { ProblemEntry } from './entry.ts'

export const JOB_PROBLEMS = {
  job_not_found: {
    statuses: [404],
    cause: 'There is no such job, it was deleted, or it belongs to another project than the token.',
    remedy: 'Check the id, and the project of the token.',
  },
  job_active: {
    statuses: [409],
    cause: 'The job has not ended, so it cannot be retried.',
    remedy: 'Wait for its end, or cancel it first.',
  },
  job_complete: {
    statuses: [409],
    cause: 'The job is complete; there is nothing to retry.',
    remedy: 'Create a new job to export again.',
  },
  job_deleting: {
    statuses: [409],
    cause: 'A job under the same Idempotency-Key is being deleted.',
    remedy: 'Wait as long as `Retry-After` says, or use a new key.',
  },
  too_many_rounds: {
    statuses: [409],
    cause: 'The job was retried as often as a job may be.',
    remedy: 'Create a new job.',
  },
  archived: {
    statuses: [409],
    cause: 'The job was retired after its retention; its videos are gone.',
    remedy: 'Upload the video again and create a new job.',
  },
  events_gone: {
    statuses: [410],
    cause: 'The job was retired after its retention, and its event log with it.',
    remedy: 'Read the job itself; its row is kept.',
  },
  idempotency_key_reused: {
    statuses: [422],
    cause: 'The Idempotency-Key was used in this project for another request.',
    remedy: 'Send a new key, or exactly the request that the key was used for.',
  },
  too_many_active_jobs: {
    statuses: [429],
    cause: 'The project has as many unfinished jobs as it may have at once.',
    remedy: 'Try again when one has ended, at the earliest as `Retry-After` says.',
  },
  no_webhook: {
    statuses: [409],
    cause: 'The job was created without a `webhook_url`, so there is nothing to send again.',
    remedy: 'Name a `webhook_url` when you create a job.',
  },
  delivery_not_found: {
    statuses: [404],
    cause: 'The job has no such delivery, or it was settled so long ago that it is not kept any more.',
    remedy: 'Take the id from the `delivery` of a webhook event on the job’s log.',
  },
  output_key_mismatch: {
    statuses: [422],
    cause: 'A worker reported an output under another key than the one that its attempt was given.',
    remedy: 'Upload to `output.put_url` of the job input, and report its `output.video_key`.',
  },
} as const satisfies Record<string, ProblemEntry>

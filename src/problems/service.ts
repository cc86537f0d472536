/** Problems of an unavailable service: the client should retry later, or an operator must act. */
import type { ProblemEntry } from './entry.ts'

const AGAIN =
  'Send the same request again when `Retry-After` has passed; with an Idempotency-Key where one is taken.'

export const SERVICE_PROBLEMS = {
  rate_limited: {
    statuses: [429],
    cause: 'The token made more requests than it may in a short time.',
    remedy: 'Wait as long as `Retry-After` says; `RateLimit-Policy` names the limit.',
  },
  job_unavailable: {
    statuses: [503],
    cause: 'The actor that holds the job could not be reached.',
    remedy: AGAIN,
  },
  too_many_watchers: {
    statuses: [503],
    cause: 'The job has as many sockets, event streams and long polls open as a job may have, 1,000.',
    remedy: 'Try again later, or poll the job without `wait`. A socket is closed with 1013 instead.',
  },
  upload_unavailable: {
    statuses: [503],
    cause: 'The actor that holds the upload could not be reached.',
    remedy: AGAIN,
  },
  list_unavailable: {
    statuses: [503],
    cause: 'The database of the list could not be reached.',
    remedy: AGAIN,
  },
  storage_unavailable: {
    statuses: [503],
    cause: 'The storage of the videos could not be reached, or did not answer as it should.',
    remedy: AGAIN,
  },
  not_configured: {
    statuses: [503],
    cause:
      'The deployment lacks a setting, or a secret, current or previous, is weak or known; nothing is served until then.',
    remedy:
      'Whoever runs it sets or removes what `detail` names; `npm run doctor` says what is wrong with it.',
  },
  internal_error: {
    statuses: [500],
    cause: 'A bug of this service.',
    remedy: 'Report it with the `request_id`; the log has the rest.',
  },
} as const satisfies Record<string, ProblemEntry>

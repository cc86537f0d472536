/** One job: read and commanded. */
import * as v from 'valibot'
import { JobId } from '../schemas/common.ts'
import { CancelledInstead, DeletedJob, Job } from '../schemas/job-view.ts'
import { JobQuery } from '../schemas/query.ts'
import type { HeaderNote, Operation } from './operation.ts'
import { NEW_JOB } from './samples.ts'

const ById = v.object({ id: JobId })

const ETAG: HeaderNote = {
  description:
    'A hash of the body without its signatures; weak, since a renewed signature does not make another job.',
  example: 'W/"0f3ac8d1e4b59a7718c2d9e0f1a2b3c4"',
}
const IF_MATCH: HeaderNote = {
  description: 'The ETag of the job that this is about: on any other the command is refused with 412.',
  example: '*',
}

export const ONE_JOB_OPERATIONS: readonly Operation[] = [
  {
    route: 'GET /api/jobs/:id',
    id: 'readJob',
    tag: 'Jobs',
    summary: 'Read a job, or wait for it to change',
    description:
      'With `If-None-Match` and `wait` the answer waits until the job is another than the one of that ETag, or the time is up: then 304. The ETag also changes when the signed URLs are renewed, every ten minutes, so a 304 says that those you have still hold. A job that was retired after its retention is answered from the list, with `archived: true`.',
    access: 'jobs:read',
    path: ById,
    query: JobQuery,
    notes: { wait: 'Seconds to wait for a change, 1 to 60.' },
    headers: { 'If-None-Match': { description: 'An ETag of this job.', example: '"0"' } },
    answers: {
      200: { description: 'The job.', schema: Job, headers: { ETag: ETAG } },
      304: { description: 'The job has not changed.', headers: { ETag: ETAG } },
    },
    problems: ['list_unavailable', 'too_many_watchers'],
    examples: [{ name: 'pending', summary: 'A job that was just accepted', status: 200, answer: NEW_JOB }],
  },
  {
    route: 'DELETE /api/jobs/:id',
    id: 'deleteJob',
    tag: 'Jobs',
    summary: 'Delete an ended job, or cancel an active one',
    description:
      'An ended job goes with its files, its row and its log. An active one is cancelled instead, and the answer says so: delete it again once it has ended.',
    access: 'jobs:write',
    path: ById,
    headers: { 'If-Match': IF_MATCH },
    answers: {
      200: { description: 'Deleted.', schema: DeletedJob },
      202: { description: 'Cancelled instead, because it was active.', schema: CancelledInstead },
    },
    problems: ['precondition_failed', 'list_unavailable', 'upload_unavailable'],
    examples: [
      { name: 'active', summary: 'A job that has not ended', status: 202 },
      {
        name: 'other',
        summary: 'A job that has changed meanwhile',
        headers: { 'If-Match': 'W/"0f3ac8d1e4b59a7718c2d9e0f1a2b3c4"' },
        status: 412,
      },
    ],
  },
  {
    route: 'POST /api/jobs/:id/cancel',
    id: 'cancelJob',
    tag: 'Jobs',
    summary: 'Cancel a job',
    description: 'May be repeated. A job that has ended stays as it is.',
    access: 'jobs:write',
    path: ById,
    answers: {
      200: { description: 'Cancelled, or ended before.', schema: Job },
      202: { description: 'RunPod has not confirmed yet that it stopped: `cancelling`.', schema: Job },
    },
    problems: ['list_unavailable'],
    examples: [{ name: 'pending', summary: 'A job that was not dispatched yet', status: 200 }],
  },
  {
    route: 'POST /api/jobs/:id/retry',
    id: 'retryJob',
    tag: 'Jobs',
    summary: 'Start a new round of a failed or cancelled job',
    description: 'The history stays; attempts are counted anew.',
    access: 'jobs:write',
    path: ById,
    headers: { 'If-Match': IF_MATCH },
    answers: { 200: { description: 'The job in its new round.', schema: Job } },
    problems: [
      'precondition_failed',
      'job_active',
      'job_complete',
      'too_many_rounds',
      'archived',
      'list_unavailable',
    ],
    examples: [{ name: 'cancelled', summary: 'A job that was cancelled', status: 200 }],
  },
  {
    route: 'POST /api/jobs/:id/webhooks/:delivery/redeliver',
    id: 'redeliverWebhook',
    tag: 'Jobs',
    summary: 'Send a webhook again',
    description:
      'The same message under the same id, at once, whether it was delivered, given up or waits for its next try; it is then tried by the whole table again, also after a 410. The newest messages of a job are kept for this.',
    access: 'jobs:write',
    path: v.object({ id: JobId, delivery: v.pipe(v.string(), v.minLength(1)) }),
    notes: {
      delivery: 'The `delivery` of a webhook event on the job’s log, which is also its `webhook-id`.',
    },
    answers: { 202: { description: 'It is on its way; the log tells what comes of it.', schema: Job } },
    problems: ['no_webhook', 'delivery_not_found', 'archived', 'list_unavailable'],
    examples: [{ name: 'again', summary: 'A message that was delivered', status: 202 }],
  },
]

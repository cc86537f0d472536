/** OpenAPI notes of the routes of jobs, and of the webhook that is sent to a job's `webhook_url`. */
import * as v from 'valibot'
import { bodySchema, CreateJob } from '../openapi/components.ts'
import type { HeaderNote, OperationNote } from '../openapi/operation.ts'
import { JOB_ID, NEW_JOB } from '../openapi/samples.ts'
import { ById, JobId } from './ids.ts'
import {
  CancelledInstead,
  CreatedJob,
  DeletedJob,
  Job,
  JobList,
  JobQuery,
  JobTypes,
  ListQuery,
  WebhookMessage,
} from './schemas.ts'

const { type, project_id, input_video_key, metadata, tags } = NEW_JOB
const trimmed = { project_id, type, input_video_key, params: { start_seconds: 2, end_seconds: 10 } }

const ETAG: HeaderNote = {
  description:
    'A hash of the body without its signatures; weak, since a renewed signature does not make another job.',
  example: 'W/"0f3ac8d1e4b59a7718c2d9e0f1a2b3c4"',
}
const IF_MATCH: HeaderNote = {
  description: 'The ETag of the job that this is about: on any other the command is refused with 412.',
  example: '*',
}

export const JOB_NOTES: readonly OperationNote[] = [
  {
    route: 'POST /api/jobs',
    id: 'createJob',
    tag: 'Jobs',
    summary: 'Create an export job',
    description:
      'The job is durable when 201 is answered, and then always ends. Send an `Idempotency-Key` and the request may be repeated: the same key and body answer the same job, with `Idempotent-Replayed: true`. What `params` must hold depends on `type`, see GET /api/job-types.',
    headers: {
      'Idempotency-Key': {
        description: 'Your own name for this request, 1 to 255 characters, unique within the project.',
        example: 'order-4711',
        pattern: '^.{1,255}$',
      },
    },
    body: CreateJob,
    answers: {
      201: {
        description:
          'The job. `websocket_url` carries a token for this one job, of a quarter of an hour, when a token was used to ask.',
        schema: CreatedJob,
        headers: {
          Location: { description: 'The path of the job.', example: NEW_JOB.urls.self },
          'Idempotent-Replayed': { description: 'The job was there already.', example: 'true' },
        },
      },
    },
    problems: [
      'project_forbidden',
      'job_token_only',
      'job_deleting',
      'idempotency_key_reused',
      'too_many_active_jobs',
      'job_unavailable',
      'list_unavailable',
    ],
    examples: [
      {
        name: 'trim',
        summary: 'Eight seconds of a video, told to a webhook when they are done',
        headers: { 'Idempotency-Key': 'order-4711' },
        body: { ...trimmed, metadata, tags, webhook_url: 'https://example.com/hooks/exportal' },
        status: 201,
        answer: { job_id: JOB_ID, status: 'pending', websocket_url: NEW_JOB.urls.ws, job: NEW_JOB },
      },
      {
        name: 'overlay',
        summary: 'Text over the first three seconds, as WebM',
        body: {
          project_id,
          type: 'overlay',
          input_video_key,
          params: {
            items: [{ type: 'text', text: 'Spring sale', x: 0.1, y: 0.8, end_seconds: 3 }],
            output: { container: 'webm', width: 1280 },
          },
          policy: { max_attempts: 2, deadline_seconds: 3600 },
        },
        status: 201,
      },
      {
        name: 'crop',
        summary: 'An upright picture around a face',
        body: {
          project_id,
          type: 'crop',
          input_video_key,
          params: { aspect_ratio: '9:16', focus_x: 0.4, focus_y: 0.3 },
        },
        status: 201,
      },
      {
        name: 'elsewhere',
        summary: 'A video that lies elsewhere',
        body: {
          project_id,
          type: 'transcode',
          input_video_url: 'https://cdn.example.com/clip.mp4?X-Amz-Expires=86400&X-Amz-Signature=0a1b',
          params: {},
        },
        status: 201,
      },
      {
        name: 'unknown_type',
        summary: 'A type that there is not',
        body: { ...trimmed, type: 'reverse' },
        status: 400,
      },
    ],
  },
  {
    route: 'GET /api/jobs',
    id: 'listJobs',
    tag: 'Jobs',
    summary: 'List jobs, newest first',
    description:
      'Go on with `cursor` while `next_cursor` is not null, and keep the filters the same: jobs that are created meanwhile move no page. A page asked for by `type`, `tag`, `error_code`, `endpoint`, `name` or `waiting=false` may hold fewer jobs than `limit`, even none, and still not be the last. A token that is confined to a project sees that project alone.',
    query: ListQuery,
    notes: {
      project_id: 'Jobs of this project.',
      status: 'Jobs of this status; may be repeated.',
      type: 'Jobs of this type.',
      tag: 'Jobs that carry this tag.',
      name: 'Jobs with this in `metadata.name`, or in the key or the address of their video; in whatever case.',
      error_code: 'Jobs that failed, or whose last attempt failed, with this code.',
      endpoint: 'Jobs for the RunPod endpoint of this name.',
      waiting:
        'Only jobs that are held, since no place is free at their endpoint or it takes none, or with `false` only the others; a job is found within 15 s.',
      id: 'Jobs whose id begins like this; the other filters but the project then do not count.',
      created_after: 'Jobs born later than this instant.',
      created_before: 'Jobs born earlier than this instant.',
      limit: 'The most jobs on a page; 20 unless said, 100 at most: more is lowered to that.',
      cursor: '`next_cursor` of the page before, of the same filters.',
    },
    headers: {
      'If-None-Match': { description: 'The ETag of this page, as it was last answered.', example: '"0"' },
    },
    answers: {
      200: { description: 'A page of the list.', schema: JobList, headers: { ETag: ETAG } },
      304: { description: 'The page has not changed.', headers: { ETag: ETAG } },
    },
    problems: ['job_token_only', 'list_unavailable'],
    examples: [
      { name: 'all', summary: 'The newest jobs', status: 200 },
      {
        name: 'ended',
        summary: 'What ended in a project since new year',
        query: { project_id: '1', status: 'complete', created_after: '2026-01-01T00:00:00Z', limit: '50' },
        status: 200,
        answer: { jobs: [], next_cursor: null },
      },
      { name: 'bad_limit', summary: 'A limit below 1', query: { limit: '0' }, status: 400 },
    ],
  },
  {
    route: 'GET /api/jobs/:id',
    id: 'readJob',
    tag: 'Jobs',
    summary: 'Read a job, or wait for it to change',
    description:
      'With `If-None-Match` and `wait` the answer waits until the job is another than the one of that ETag, or the time is up: then 304. The ETag also changes when the signed URLs are renewed, every ten minutes, so a 304 says that those you have still hold. A job that was retired after its retention is answered from the list, with `archived: true`.',
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
    path: v.object({ id: JobId, delivery: v.pipe(v.string(), v.minLength(1)) }),
    notes: {
      delivery: 'The `delivery` of a webhook event on the job’s log, which is also its `webhook-id`.',
    },
    answers: { 202: { description: 'It is on its way; the log tells what comes of it.', schema: Job } },
    problems: ['no_webhook', 'delivery_not_found', 'archived', 'list_unavailable'],
    examples: [{ name: 'again', summary: 'A message that was delivered', status: 202 }],
  },
  {
    route: 'GET /api/job-types',
    id: 'listJobTypes',
    tag: 'Service',
    summary: 'List the types of job with the schema of their params',
    answers: { 200: { description: 'The types.', schema: JobTypes } },
    examples: [{ name: 'all', summary: 'Every type', status: 200 }],
  },
]

const QUEUED = v.parse(WebhookMessage, {
  type: 'job.queued',
  timestamp: '2026-01-01T10:00:01.000Z',
  data: {
    job: {
      ...NEW_JOB,
      status: 'queued',
      attempt: 1,
      runpod_job_id: 'c80ffee4-f315-4e25-a146-0f3d98cf024b-u1',
      version: 3,
      url: `https://exports.example.com/api/jobs/${NEW_JOB.id}`,
    },
  },
})

const HEADERS = {
  'webhook-id': [
    'The id of the message, the same for every try: tell repeats by it.',
    `${NEW_JOB.id}.5b1c2d3e.5.complete`,
  ],
  'webhook-timestamp': ['Seconds since 1970, when this try was signed.', '1767262200'],
  'webhook-signature': [
    '`v1,` and base64 of an HMAC-SHA256, once for each secret during a rotation.',
    'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=',
  ],
}

export const WEBHOOKS = {
  jobEvent: {
    post: {
      operationId: 'receiveJobEvent',
      tags: ['Jobs'],
      summary: 'An event of a job that named you as its `webhook_url`',
      description:
        'Signed as the Standard Webhooks specification says; verify it before you believe it. Answer 2xx within some seconds. Anything else, a redirect included, is tried again over about three days; `Retry-After` is obeyed, and 410 ends it for this job. The job is told as it stood at its event, the same by every try. Messages may come twice and out of order: `version` of the job tells which is newer.',
      security: [],
      parameters: Object.entries(HEADERS).map(([name, [description, example]]) => ({
        name,
        in: 'header',
        required: true,
        description,
        schema: { type: 'string' },
        example,
      })),
      requestBody: {
        required: true,
        content: {
          'application/json': {
            schema: bodySchema(WebhookMessage),
            examples: {
              queued: {
                summary: 'RunPod has taken the job',
                value: QUEUED,
              },
            },
          },
        },
      },
      responses: {
        '2XX': { description: 'Received.' },
        '410': { description: 'Gone: send nothing more about this job.' },
        default: { description: 'Not received: it is sent again.' },
      },
    },
  },
}

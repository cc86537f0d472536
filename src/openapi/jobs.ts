/** Jobs: created and listed. */
import { CreatedJob, JobList } from '../schemas/job-view.ts'
import { ListQuery } from '../schemas/query.ts'
import { CreateJob } from './components.ts'
import type { Operation } from './operation.ts'
import { JOB_ID, NEW_JOB } from './samples.ts'

const { type, project_id, input_video_key, metadata, tags } = NEW_JOB
const trimmed = { project_id, type, input_video_key, params: { start_seconds: 2, end_seconds: 10 } }

export const JOB_OPERATIONS: readonly Operation[] = [
  {
    route: 'POST /api/jobs',
    id: 'createJob',
    tag: 'Jobs',
    summary: 'Create an export job',
    description:
      'The job is durable when 201 is answered, and then always ends. Send an `Idempotency-Key` and the request may be repeated: the same key and body answer the same job, with `Idempotent-Replayed: true`. What `params` must hold depends on `type`, see GET /api/job-types.',
    access: 'jobs:write',
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
      'Go on with `cursor` while `next_cursor` is not null, and keep the filters the same: jobs that are created meanwhile move no page. A page asked for by `type`, `tag` or `error_code` may hold fewer jobs than `limit`, even none, and still not be the last. A token that is confined to a project sees that project alone.',
    access: 'jobs:read',
    query: ListQuery,
    notes: {
      project_id: 'Jobs of this project.',
      status: 'Jobs of this status; may be repeated.',
      type: 'Jobs of this type.',
      tag: 'Jobs that carry this tag.',
      error_code: 'Jobs that failed, or whose last attempt failed, with this code.',
      id: 'Jobs whose id begins like this; the other filters but the project then do not count.',
      created_after: 'Jobs born later than this instant.',
      created_before: 'Jobs born earlier than this instant.',
      limit: 'The most jobs on a page; 20 unless said, 100 at most: more is lowered to that.',
      cursor: '`next_cursor` of the page before, of the same filters.',
    },
    answers: { 200: { description: 'A page of the list.', schema: JobList } },
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
]

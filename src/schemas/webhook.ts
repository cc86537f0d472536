/** What a job's `webhook_url` is told. */
import * as v from 'valibot'
import { WEBHOOK_EVENTS } from '../../actors/export-job/core/webhook-message.ts'
import { Instant } from './common.ts'
import { Job } from './job-view.ts'

/** The job as it stood at the event, in the names of the API; URLs are whole, and `output_url` is signed anew. */
const ToldJob = v.object({
  ...v.pick(Job, [
    'id',
    'project_id',
    'type',
    'status',
    'progress',
    'stage',
    'attempt',
    'max_attempts',
    'round',
    'runpod_job_id',
    'input_video_key',
    'output_video_key',
    'output_size_bytes',
    'output_url',
    'error',
    'cancel',
    'metadata',
    'tags',
    'created_at',
    'started_at',
    'finished_at',
    'version',
  ]).entries,
  url: v.nullable(v.string()),
})

export const WebhookMessage = v.object({
  type: v.picklist(WEBHOOK_EVENTS.map((event) => `job.${event}` as const)),
  timestamp: Instant,
  data: v.object({ job: ToldJob }),
})

/** What is posted to the `webhook_url` of a job. */
import * as v from 'valibot'
import { WEBHOOK_EVENTS } from '../../actors/export-job/core/webhooks.ts'
import { Instant } from '../schemas/common.ts'
import { Job } from '../schemas/job-view.ts'
import { bodySchema } from './components.ts'
import { NEW_JOB } from './samples.ts'

/** `truncated`: params were left out, because the body would have become too large. */
export const WebhookMessage = v.object({
  type: v.picklist(WEBHOOK_EVENTS.map((event) => `job.${event}` as const)),
  timestamp: Instant,
  data: v.object({ job: v.object({ ...Job.entries, truncated: v.optional(v.boolean()) }) }),
})

const HEADERS = {
  'webhook-id': [
    'The id of the message, the same for every try: tell repeats by it.',
    `${NEW_JOB.id}.5.complete`,
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
        'Signed as the Standard Webhooks specification says; verify it before you believe it. Answer 2xx within some seconds. Anything else, a redirect included, is tried again over about three days; `Retry-After` is obeyed, and 410 ends it for this job. Messages may come twice and out of order: `version` of the job tells which is newer.',
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
                value: {
                  type: 'job.queued',
                  timestamp: '2026-01-01T10:00:01.000Z',
                  data: { job: { ...NEW_JOB, status: 'queued', attempt: 1, version: 3 } },
                },
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

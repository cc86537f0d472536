/** What is posted to the `webhook_url` of a job. */
import * as v from 'valibot'
import { WebhookMessage } from '../schemas/webhook.ts'
import { bodySchema } from './components.ts'
import { NEW_JOB } from './samples.ts'

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

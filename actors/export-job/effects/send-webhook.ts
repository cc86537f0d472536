/** Sends one message to the job's `webhook_url` once, and returns the resulting fact. */

import { OwnedFile } from '../../shared/owned-file.ts'
import type { Settings } from '../../shared/settings.ts'
import { downloadPath } from '../../shared/signing.ts'
import type { Fact } from '../core/events.ts'
import type { Job, WebhookMessage } from '../core/job.ts'
import { bodyOf } from '../core/shown/webhook-message.ts'
import { deliver } from './webhook.ts'

/** Never throws. A message no longer owed is not sent, for example after a delete. */
export async function sendWebhook(id: string, job: Job, settings: Settings | null): Promise<Fact> {
  const message = job.outbox.webhooks.find((each) => each.id === id)
  const { webhook } = job.request
  if (!message || !webhook || !settings) {
    const detail = 'The service is not configured to send webhooks.'
    return {
      type: 'debtFailed',
      debt: 'webhooks',
      id,
      status: null,
      latencyMs: 0,
      detail,
      gone: false,
      retryAfterMs: null,
    }
  }
  const now = Date.now()
  const body = bodyOf(message, job.request, linksOf(message, job, settings, now))
  const answer = await deliver({ id, url: webhook.url, body }, settings, now)
  if (answer.kind === 'delivered') {
    return { type: 'debtPaid', debt: 'webhooks', id, status: answer.status, latencyMs: answer.latencyMs }
  }
  const { kind: _, ...failed } = answer
  return { type: 'debtFailed', debt: 'webhooks', id, ...failed }
}

/** Absolute URLs, since a receiver has no base URL; null when this deployment has no public address. */
function linksOf({ told }: WebhookMessage, job: Job, settings: Settings, now: number) {
  const origin = settings.publicUrl ?? job.request.devOrigin
  const key = told.output_video_key
  if (!origin) return { job: null, output: null }
  const output = typeof key === 'string' ? OwnedFile.outputOf(job.request, key) : null
  return {
    job: `${origin}/api/jobs/${job.request.id}`,
    output: output && origin + downloadPath(settings.authSecrets[0], output, now),
  }
}

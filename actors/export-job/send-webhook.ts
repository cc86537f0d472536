/** One try of one message to the job's `webhook_url`, and what the core hears of it. */

import { OwnedFile } from '../owned-file.ts'
import type { Settings } from '../settings.ts'
import { downloadPath } from '../signing.ts'
import { deliver } from '../webhooks.ts'
import type { Fact } from './core/events.ts'
import type { Job, WebhookMessage } from './core/job.ts'
import { bodyOf } from './core/webhook-message.ts'

/** Never throws. What is no longer owed is not sent: a delete may have come first. */
export async function sendWebhook(id: string, job: Job, settings: Settings | null): Promise<Fact> {
  const message = job.outbox.webhooks.find((each) => each.id === id)
  const { webhook } = job.request
  if (!message || !webhook || !settings) {
    const detail = 'The service is not configured to send webhooks.'
    return { type: 'deliveryFailed', id, status: null, latencyMs: 0, detail, gone: false, retryAfterMs: null }
  }
  const now = Date.now()
  const body = bodyOf(message, job.request, linksOf(message, job, settings, now))
  const answer = await deliver({ id, url: webhook.url, body }, settings, now)
  if (answer.kind === 'delivered') {
    return { type: 'delivered', id, status: answer.status, latencyMs: answer.latencyMs }
  }
  const { kind: _, ...failed } = answer
  return { type: 'deliveryFailed', id, ...failed }
}

/** A receiver knows no origin to complete a path with, so these are whole; null when this deployment has no address. */
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

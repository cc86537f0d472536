/** One try of one message to the job's `webhook_url`: what it says, and what the core hears of it. */
import type { Settings } from '../settings.ts'
import { deliver } from '../webhooks.ts'
import type { Fact } from './core/events.ts'
import type { Job } from './core/job.ts'
import { iso } from './core/view.ts'
import { present } from './present.ts'

/** Receivers refuse large bodies; the Standard Webhooks specification asks for less than 20 kB. */
const MOST_BODY_BYTES = 20_000

export async function sendWebhook(id: string, job: Job, settings: Settings | null): Promise<Fact> {
  const owed = job.outbox.webhooks.find((each) => each.id === id)
  const { webhook } = job.request
  const now = Date.now()
  if (!owed || !webhook || !settings) {
    const detail = 'The service is not configured to send webhooks.'
    return { type: 'deliveryFailed', id, status: null, latencyMs: 0, detail, gone: false, retryAfterMs: null }
  }
  const answer = await deliver(
    { id, url: webhook.url, body: bodyOf(job, owed.event, settings, now) },
    settings,
    now,
  )
  if (answer.kind === 'delivered') {
    return { type: 'delivered', id, status: answer.status, latencyMs: answer.latencyMs }
  }
  const { kind: _, ...failed } = answer
  return { type: 'deliveryFailed', id, ...failed }
}

/** `{type, timestamp, data}` with the job as it now is; what the caller gave is left out when it is too large. */
export function bodyOf(job: Job, event: string, settings: Settings, now: number): string {
  const shown = present(job, settings, now)
  const message = { type: `job.${event}`, timestamp: iso(now), data: { job: shown } }
  const whole = JSON.stringify(message)
  if (new TextEncoder().encode(whole).length <= MOST_BODY_BYTES || !shown) return whole
  return JSON.stringify({ ...message, data: { job: { ...shown, params: {}, truncated: true } } })
}

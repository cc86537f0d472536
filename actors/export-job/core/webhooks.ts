/**
 * What the job owes its `webhook_url`: one message for each event that was asked for, tried by the alarm until it is
 * taken. The pauses are those of the Standard Webhooks specification.
 */
import type { Draft } from './draft.ts'
import type { Asker, Fact } from './events.ts'
import { whoOf } from './interventions.ts'
import type { Job, OwedWebhook } from './job.ts'
import { jitter } from './schedule.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** Events a caller may ask for; each is a type of the event log. */
export const WEBHOOK_EVENTS = ['queued', 'processing', 'complete', 'error', 'cancelled'] as const
/** What is told when a caller names no events: that the job has ended. */
export const WEBHOOK_ENDS = ['complete', 'error', 'cancelled'] as const
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number]

/** The pause after the n-th failed try; when there is none left, the message is given up. */
export const WEBHOOK_PAUSES_MS: readonly number[] = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
]

/** The messages that these log lines make owed. Their ids are unique, and the same for every try. */
export function owedWebhooks(
  job: Job,
  logTypes: readonly string[],
  version: number,
  now: number,
): OwedWebhook[] {
  const { webhook, id } = job.request
  if (!webhook || job.outbox.webhooksRefused) return []
  return WEBHOOK_EVENTS.filter((event) => logTypes.includes(event) && webhook.events.includes(event)).map(
    (event) => ({
      id: `${id}.${version}.${event}`,
      event,
      dueAt: now,
      tries: 0,
    }),
  )
}

/** Sends what is due. */
export function wakeWebhooks(draft: Draft): void {
  const { now, job } = draft
  for (const owed of job.outbox.webhooks) {
    if (owed.dueAt > now) continue
    draft.lease({ outbox: { webhooks: replace(draft.job, { ...owed, dueAt: now + pauseMs(owed) }) } })
    draft.ask({ type: 'deliver', id: owed.id })
  }
}

type Answer = Extract<Fact, { type: 'delivered' | 'deliveryFailed' }>

export function deliveryAnswered(draft: Draft, event: Answer): void {
  const { job, now } = draft
  const owed = job.outbox.webhooks.find((each) => each.id === event.id)
  if (!owed) return
  const tries = owed.tries + 1
  const about = { id: owed.id, event: owed.event, status: event.status, latency_ms: event.latencyMs, tries }
  if (event.type === 'delivered') {
    draft.owe({ webhooks: without(job, owed.id) })
    return draft.note('webhook_delivered', null, about)
  }
  if (event.gone) {
    // 410: the receiver wants nothing more of this job.
    draft.owe({ webhooks: [], webhooksRefused: true })
    return draft.note('webhook_refused', null, { ...about, detail: event.detail })
  }
  const given = tries > WEBHOOK_PAUSES_MS.length
  if (given) {
    draft.owe({ webhooks: without(job, owed.id) })
    return draft.note('webhook_given_up', null, { ...about, detail: event.detail })
  }
  const dueAt = now + Math.max(event.retryAfterMs ?? 0, pauseMs({ ...owed, tries: owed.tries }))
  draft.owe({ webhooks: replace(job, { ...owed, tries, dueAt }) })
  draft.note('webhook_failed', null, {
    ...about,
    detail: event.detail,
    next_try_at: new Date(dueAt).toISOString(),
  })
}

/** By hand: once more, whatever became of it. */
export function redeliver(draft: Draft, event: { id: string; webhookEvent: WebhookEvent } & Asker): void {
  const again: OwedWebhook = { id: event.id, event: event.webhookEvent, dueAt: draft.now, tries: 0 }
  draft.owe({ webhooks: [...without(draft.job, event.id), again] })
  draft.note('webhook_redelivery_requested', null, { id: event.id, ...whoOf(event) })
}

/** The table's pause, spread by up to a tenth so that receivers are not hit in step. */
function pauseMs({ id, tries }: OwedWebhook): number {
  const pause = WEBHOOK_PAUSES_MS[tries] ?? 24 * HOUR
  return Math.round(pause * (1 + jitter(`${id}:${tries}`) / 10))
}

function without(job: Job, id: string): OwedWebhook[] {
  return job.outbox.webhooks.filter((each) => each.id !== id)
}

function replace(job: Job, changed: OwedWebhook): OwedWebhook[] {
  return job.outbox.webhooks.map((each) => (each.id === changed.id ? changed : each))
}

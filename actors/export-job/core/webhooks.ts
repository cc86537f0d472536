/**
 * What the job owes its `webhook_url`: one message for each event that was asked for, tried by the alarm until it is
 * taken or given up. The pauses are those of the Standard Webhooks specification. Settled messages are kept for a
 * while, so that a person can have them sent again.
 */
import type { Delivery } from '../../../wire/events.ts'
import type { Draft } from './draft.ts'
import type { Asker, Fact } from './events.ts'
import { refuse, whoOf } from './interventions.ts'
import { iso } from './iso.ts'
import type { OwedWebhook, WebhookMessage } from './job.ts'
import { jitter } from './schedule.ts'
import { messageOf, WEBHOOK_EVENTS } from './webhook-message.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

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

/** A receiver that is down for days meets at most this many messages of one job; the oldest are given up for more. */
export const MOST_OWED = 30
/** So many settled messages can be sent again by hand. */
export const MOST_SETTLED = 20
/** Sent at once by one wake; the next wake follows when all of them were answered. */
const MOST_AT_ONCE = 4

/** Makes owed what the events of this decision have to tell. Committed with them, and sent after that. */
export function oweWebhooks(draft: Draft): void {
  const { job, now, log } = draft
  const { webhook } = job.request
  if (!webhook || job.outbox.webhooksRefused) return
  for (const event of WEBHOOK_EVENTS) {
    if (!webhook.events.includes(event) || !log.some((line) => line.type === event)) continue
    // A log line is a new version: the one that the message speaks of.
    const message = messageOf({ ...job, version: job.version + 1 }, event, now)
    if (message) owe(draft, message)
  }
}

function owe(draft: Draft, message: WebhookMessage): void {
  const { webhooks } = draft.job.outbox
  const oldest = webhooks[0]
  if (oldest && webhooks.length >= MOST_OWED) {
    settle(draft, oldest)
    draft.note({
      type: 'webhook_given_up',
      ref: null,
      data: {
        ...aboutOf(oldest),
        tries: oldest.tries,
        detail: `More than ${MOST_OWED} messages wait for this receiver.`,
      },
    })
  }
  const owed: OwedWebhook = { ...message, dueAt: draft.now, tries: 0 }
  draft.owe({ webhooks: [...draft.job.outbox.webhooks, owed] })
}

/** Sends what is due. */
export function wakeWebhooks(draft: Draft): void {
  const { now } = draft
  const due = draft.job.outbox.webhooks.filter((owed) => owed.dueAt <= now)
  for (const owed of due.slice(0, MOST_AT_ONCE)) {
    const leased = { ...owed, dueAt: now + pauseMs(owed) }
    draft.lease({ outbox: { webhooks: replaced(draft, leased) } })
    draft.ask({ type: 'deliver', id: owed.id })
  }
}

type Answer = Extract<Fact, { type: 'delivered' | 'deliveryFailed' }>

export function deliveryAnswered(draft: Draft, event: Answer): void {
  const { now } = draft
  const owed = draft.job.outbox.webhooks.find((each) => each.id === event.id)
  if (!owed) return
  const tries = owed.tries + 1
  const about = { ...aboutOf(owed), tries, status: event.status, latency_ms: event.latencyMs }
  if (event.type === 'delivered') {
    settle(draft, owed)
    return draft.note({ type: 'webhook_delivered', ref: null, data: about })
  }
  const failed = { ...about, detail: event.detail }
  // 410: the receiver wants nothing more of this job.
  if (event.gone) {
    for (const each of draft.job.outbox.webhooks) settle(draft, each)
    draft.owe({ webhooksRefused: true })
    return draft.note({ type: 'webhook_refused', ref: null, data: failed })
  }
  if (tries > WEBHOOK_PAUSES_MS.length) {
    settle(draft, owed)
    return draft.note({ type: 'webhook_given_up', ref: null, data: failed })
  }
  const dueAt = now + Math.max(event.retryAfterMs ?? 0, pauseMs(owed))
  draft.owe({ webhooks: replaced(draft, { ...owed, tries, dueAt }) })
  draft.note({ type: 'webhook_failed', ref: null, data: { ...failed, next_try_at: iso(dueAt) } })
}

/**
 * By hand: sent once more, whatever became of it, and tried by the table again. A person's word counts above an
 * earlier 410.
 */
export function redeliver(draft: Draft, event: { id: string } & Asker): void {
  const { phase, request, outbox } = draft.job
  if (phase.status === 'deleting' || phase.status === 'gone')
    return refuse(draft, 'job_deleting', 'This job is being deleted.')
  if (!request.webhook) return refuse(draft, 'no_webhook', 'This job was created without a webhook_url.')
  if (outbox.archive) return refuse(draft, 'archived', 'This job is being retired.')
  const owed = outbox.webhooks.find((each) => each.id === event.id)
  const message = owed ?? outbox.webhooksSettled.find((each) => each.id === event.id)
  if (!message) {
    const detail = 'This job has no such delivery, or it is too old to be sent again.'
    return refuse(draft, 'delivery_not_found', detail)
  }
  const again: OwedWebhook = { ...message, dueAt: draft.now, tries: 0 }
  draft.owe({
    webhooks: [...outbox.webhooks.filter((each) => each !== owed), again],
    webhooksSettled: outbox.webhooksSettled.filter((each) => each !== message),
    webhooksRefused: false,
  })
  draft.note({
    type: 'webhook_redelivery_requested',
    ref: null,
    data: { ...aboutOf(message), ...whoOf(event) },
  })
}

/** Nothing more is owed of this message. */
function settle(draft: Draft, owed: OwedWebhook): void {
  const { webhooks, webhooksSettled } = draft.job.outbox
  const { id, event, at, told } = owed
  draft.owe({
    webhooks: webhooks.filter((each) => each.id !== id),
    webhooksSettled: [...webhooksSettled, { id, event, at, told }].slice(-MOST_SETTLED),
  })
}

function aboutOf({ id, event }: WebhookMessage): Delivery {
  return { delivery: id, event }
}

/** The table's pause, longer by up to a tenth so that receivers are not hit in step. */
function pauseMs({ id, tries }: OwedWebhook): number {
  const pause = WEBHOOK_PAUSES_MS[tries] ?? 24 * HOUR
  return Math.round(pause * (1 + jitter(`${id}:${tries}`) / 10))
}

function replaced(draft: Draft, changed: OwedWebhook): OwedWebhook[] {
  return draft.job.outbox.webhooks.map((each) => (each.id === changed.id ? changed : each))
}

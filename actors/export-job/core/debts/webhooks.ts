/**
 * The messages owed to the job's `webhook_url`: one for each requested event, tried by the alarm until the receiver
 * accepts it or the tries are used up. The pauses are those of the Standard Webhooks specification. Settled messages
 * are kept for a while, so that an operator or caller can resend them.
 */
import type { Delivery } from '../../../../wire/events.ts'
import type { Draft } from '../draft.ts'
import { actorData, type Requester } from '../events.ts'
import { iso } from '../iso.ts'
import type { OwedWebhook, WebhookMessage } from '../job.ts'
import { HOUR, jitter, MINUTE, SECOND } from '../policy.ts'
import { messageOf, WEBHOOK_EVENTS } from '../shown/webhook-message.ts'
import type { Debt } from './debt.ts'

/** The pause after the n-th failed try; after the last one, the message is given up. */
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

/**
 * The most messages owed for one job, so that a receiver is not flooded after days of downtime; the oldest are dropped.
 */
export const MAX_OWED = 30
/** The number of settled messages that can be resent by hand. */
export const MAX_SETTLED = 20
/** The most messages sent by one wake; the next wake follows when all of them were answered. */
const MAX_AT_ONCE = 4

/** Owes a message for each requested event of this decision. Committed with the events and sent afterwards. */
export function oweWebhooks(draft: Draft): void {
  const { job, now, log } = draft
  const { webhook } = job.request
  if (!webhook || job.outbox.webhooksRefused) return
  for (const event of WEBHOOK_EVENTS) {
    if (!webhook.events.includes(event) || !log.some((line) => line.type === event)) continue
    // A log line makes a new version, which is the one that the message shows.
    const message = messageOf({ ...job, version: job.version + 1 }, event, now)
    if (message) owe(draft, message)
  }
}

function owe(draft: Draft, message: WebhookMessage): void {
  const { webhooks } = draft.job.outbox
  const oldest = webhooks[0]
  if (oldest && webhooks.length >= MAX_OWED) {
    settle(draft, oldest)
    draft.note({
      type: 'webhook_given_up',
      ref: null,
      data: {
        ...aboutOf(oldest),
        tries: oldest.tries,
        detail: `More than ${MAX_OWED} messages wait for this receiver.`,
      },
    })
  }
  const owed: OwedWebhook = { ...message, dueAt: draft.now, tries: 0 }
  draft.keep({ outbox: { webhooks: [...draft.job.outbox.webhooks, owed] } })
}

export const webhooks: Debt<'webhooks'> = {
  clocks: ({ outbox }) =>
    outbox.webhooks.map(({ dueAt }) => ({
      name: 'webhook',
      at: dueAt,
      what: 'tell the webhook’s receiver again',
      isHousekeeping: true,
    })),

  due(draft) {
    const { now } = draft
    const due = draft.job.outbox.webhooks.filter((owed) => owed.dueAt <= now)
    for (const owed of due.slice(0, MAX_AT_ONCE)) {
      const leased = { ...owed, dueAt: now + pauseMs(owed) }
      draft.lease({ outbox: { webhooks: replaced(draft, leased) } })
      draft.ask({ type: 'deliver', id: owed.id })
    }
  },

  paid(draft, fact) {
    const owed = find(draft, fact.id)
    if (!owed) return
    count(draft, 'taken')
    settle(draft, owed)
    draft.note({ type: 'webhook_delivered', ref: null, data: triedOf(owed, fact) })
  },

  failed(draft, fact) {
    const owed = find(draft, fact.id)
    if (!owed) return
    count(draft, 'failed')
    const data = { ...triedOf(owed, fact), detail: fact.detail }
    // 410: the receiver accepts no more messages about this job.
    if (fact.gone) {
      for (const each of draft.job.outbox.webhooks) settle(draft, each)
      draft.keep({ outbox: { webhooksRefused: true } })
      return draft.note({ type: 'webhook_refused', ref: null, data })
    }
    if (data.tries > WEBHOOK_PAUSES_MS.length) {
      settle(draft, owed)
      return draft.note({ type: 'webhook_given_up', ref: null, data })
    }
    const dueAt = draft.now + Math.max(fact.retryAfterMs ?? 0, pauseMs(owed))
    draft.keep({ outbox: { webhooks: replaced(draft, { ...owed, tries: data.tries, dueAt }) } })
    draft.note({ type: 'webhook_failed', ref: null, data: { ...data, next_try_at: iso(dueAt) } })
  },
}

function find(draft: Draft, id: string): OwedWebhook | undefined {
  return draft.job.outbox.webhooks.find((each) => each.id === id)
}

/** Stored with the change that caused it. */
function count(draft: Draft, how: 'taken' | 'failed'): void {
  const { deliveries = { taken: 0, failed: 0 } } = draft.job
  draft.lease({ deliveries: { ...deliveries, [how]: deliveries[how] + 1 } })
}

function triedOf<S>(owed: OwedWebhook, { status, latencyMs }: { status: S; latencyMs: number }) {
  return { ...aboutOf(owed), tries: owed.tries + 1, status, latency_ms: latencyMs }
}

/**
 * Resends a message by hand, whatever its outcome, with the full table of tries. Overrides an earlier 410 of the
 * receiver.
 */
export function redeliver(draft: Draft, event: { id: string } & Requester): void {
  const { request, outbox } = draft.job
  if (!request.webhook) return draft.refuse('no_webhook', 'This job was created without a webhook_url.')
  if (outbox.archive) return draft.refuse('archived', 'This job is being retired.')
  const owed = outbox.webhooks.find((each) => each.id === event.id)
  const message = owed ?? outbox.webhooksSettled.find((each) => each.id === event.id)
  if (!message) {
    const detail = 'This job has no such delivery, or it is too old to be sent again.'
    return draft.refuse('delivery_not_found', detail)
  }
  const again: OwedWebhook = { ...message, dueAt: draft.now, tries: 0 }
  draft.keep({
    outbox: {
      webhooks: [...outbox.webhooks.filter((each) => each !== owed), again],
      webhooksSettled: outbox.webhooksSettled.filter((each) => each !== message),
      webhooksRefused: false,
    },
  })
  draft.note({
    type: 'webhook_redelivery_requested',
    ref: null,
    data: { ...aboutOf(message), ...actorData(event) },
  })
}

/** Moves a message from the owed to the settled ones. */
function settle(draft: Draft, owed: OwedWebhook): void {
  const { webhooks, webhooksSettled } = draft.job.outbox
  const { id, event, at, told } = owed
  draft.keep({
    outbox: {
      webhooks: webhooks.filter((each) => each.id !== id),
      webhooksSettled: [...webhooksSettled, { id, event, at, told }].slice(-MAX_SETTLED),
    },
  })
}

function aboutOf({ id, event }: WebhookMessage): Delivery {
  return { delivery: id, event }
}

/** The table's pause, plus up to a tenth of it so that receivers are not hit simultaneously. */
function pauseMs({ id, tries }: OwedWebhook): number {
  const pause = WEBHOOK_PAUSES_MS[tries] ?? 24 * HOUR
  return Math.round(pause * (1 + jitter(`${id}:${tries}`) / 10))
}

function replaced(draft: Draft, changed: OwedWebhook): OwedWebhook[] {
  return draft.job.outbox.webhooks.map((each) => (each.id === changed.id ? changed : each))
}

/**
 * Outgoing webhooks by the Standard Webhooks specification: `webhook-id`, `webhook-timestamp` and `webhook-signature`
 * over `id.timestamp.body`, one signature for each secret while a rotation is under way.
 */
import { Webhook } from 'standardwebhooks'
import { fetchStatus } from '../../shared/bounded-fetch.ts'
import { withoutSecrets } from '../../shared/redact.ts'
import { retryAfterMs } from '../../shared/retry-after.ts'
import type { Settings } from '../../shared/settings.ts'
import { webhookUrlFault } from '../../shared/webhook-target.ts'

/** The specification recommends 15 to 30 seconds; the job's other calls may wait this long for it. */
const DELIVERY_MS = 15_000
/** The upper limit of a receiver's `retry-after`: the longest pause of the table. */
const MAX_RETRY_AFTER_MS = 24 * 60 * 60_000

export interface Delivery {
  /** Equal for every try of one message, so that the receiver can recognise repeats. */
  id: string
  url: string
  body: string
}

export type DeliveryAnswer =
  | { kind: 'delivered'; status: number; latencyMs: number }
  /** `gone`: 410, no more messages are to be sent. `status` is null without an answer. */
  | {
      kind: 'failed'
      status: number | null
      latencyMs: number
      detail: string
      gone: boolean
      retryAfterMs: number | null
    }

/**
 * Posts one message once. Never throws; 2xx is success with any body, and a redirect is a failure that is reported and
 * not followed.
 */
export async function deliver(delivery: Delivery, settings: Settings, now: number): Promise<DeliveryAnswer> {
  const failed = (detail: string, status: number | null, latencyMs: number, pauseMs: number | null = null) =>
    ({ kind: 'failed', status, latencyMs, detail, gone: status === 410, retryAfterMs: pauseMs }) as const
  const fault = webhookUrlFault(delivery.url, settings)
  if (fault) return failed(fault, null, 0)
  if (settings.webhookSecrets.length === 0) return failed('WEBHOOK_SECRET is not set.', null, 0)
  const init = {
    method: 'POST',
    headers: signedHeaders(delivery, settings.webhookSecrets, now),
    body: delivery.body,
  }
  const started = Date.now()
  const answer = await fetchStatus(delivery.url, init, DELIVERY_MS)
  const latencyMs = Date.now() - started
  if (answer.kind === 'lost') {
    // The address may contain a secret of the receiver, and the log has other readers.
    const detail = withoutSecrets(answer.detail.replaceAll(delivery.url, 'the webhook_url'))
    return failed(detail, null, latencyMs)
  }
  const { status, headers } = answer
  if (status >= 200 && status < 300) return { kind: 'delivered', status, latencyMs }
  const detail =
    status >= 300 && status < 400
      ? `It redirects (${status}), which is not followed.`
      : `It answered ${status}.`
  return failed(detail, status, latencyMs, retryAfterMs(headers, MAX_RETRY_AFTER_MS))
}

function signedHeaders(
  { id, body }: Delivery,
  secrets: readonly string[],
  now: number,
): Record<string, string> {
  const at = new Date(now)
  return {
    'Content-Type': 'application/json',
    'User-Agent': 'Exportal-Webhooks/1',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, at, body)).join(' '),
  }
}

/**
 * Outgoing webhooks by the Standard Webhooks specification: `webhook-id`, `webhook-timestamp` and `webhook-signature`
 * over `id.timestamp.body`, one signature for each secret while a rotation is under way.
 */
import { Webhook } from 'standardwebhooks'
import { fetchStatus } from './bounded-fetch.ts'
import { withoutSecrets } from './redact.ts'
import { retryAfterMs } from './retry-after.ts'
import type { Settings } from './settings.ts'
import { webhookUrlFault } from './webhook-target.ts'

/** The specification asks for 15 to 30 seconds; the job's other calls may wait as long for this one. */
const DELIVERY_MS = 15_000
/** However long a receiver asks to be left alone, it is tried again after the longest pause of the table. */
const MOST_RETRY_AFTER_MS = 24 * 60 * 60_000

export interface Delivery {
  /** The same for every try of one message: the receiver knows it again. */
  id: string
  url: string
  body: string
}

export type DeliveryAnswer =
  | { kind: 'delivered'; status: number; latencyMs: number }
  /** `gone`: 410, the receiver wants no more. `status` is null when no answer came. */
  | {
      kind: 'failed'
      status: number | null
      latencyMs: number
      detail: string
      gone: boolean
      retryAfterMs: number | null
    }

/**
 * Posts one message once. Never throws; 2xx is success whatever its body, a redirect is a failure that is shown and not
 * followed.
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
    // The address may carry a secret of the receiver's, and the log has other readers.
    const detail = withoutSecrets(answer.detail.replaceAll(delivery.url, 'the webhook_url'))
    return failed(detail, null, latencyMs)
  }
  const { status, headers } = answer
  if (status >= 200 && status < 300) return { kind: 'delivered', status, latencyMs }
  const detail =
    status >= 300 && status < 400
      ? `It redirects (${status}), which is not followed.`
      : `It answered ${status}.`
  return failed(detail, status, latencyMs, retryAfterMs(headers, MOST_RETRY_AFTER_MS))
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

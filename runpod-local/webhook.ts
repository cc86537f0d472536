/**
 * RunPod's webhook: one POST of the final envelope. RunPod requires exactly 200; otherwise it repeats the POST twice,
 * 10 s apart, and then gives up (runpod/docs, send-requests). Nothing is signed, redirects are not followed.
 */
import type { Clock } from './clock.ts'
import { pause } from './clock.ts'
import type { FaultSet } from './faults.ts'
import type { Job, JsonObject } from './job.ts'
import type { Log } from './log.ts'

const TRIES = 3

export interface WebhookOptions {
  clock: Clock
  log: Log
  /** Pause between two tries, ms. */
  retryMs: number
  /** Limit of one try, ms; the cloud's value is not published. */
  timeoutMs: number
  /** Aborts when the endpoint closes. */
  signal: AbortSignal
}

/**
 * Delivers the final envelope of `job`, subject to its fault switches. Never rejects; each try is recorded on the job.
 */
export async function sendWebhook(
  job: Job,
  body: JsonObject,
  faults: FaultSet,
  options: WebhookOptions,
): Promise<void> {
  const url = job.request.webhook
  if (url === null || options.signal.aborted) return
  if (faults.webhook?.drop) {
    options.log('webhook.dropped', { runpod_job: job.id, by: 'fault switch' })
    return
  }
  if (faults.webhook?.delay_ms) await pause(options.clock, faults.webhook.delay_ms, options.signal)
  const text = JSON.stringify(body)
  await deliver(job, url, text, options)
  if (faults.webhook?.duplicate) await deliver(job, url, text, options)
}

async function deliver(job: Job, url: string, body: string, options: WebhookOptions): Promise<void> {
  for (let nth = 1; nth <= TRIES && !options.signal.aborted; nth++) {
    const result = await post(url, body, options)
    job.deliveries.push({ at: options.clock.now(), result })
    options.log('webhook.sent', { runpod_job: job.id, status: job.status, try: nth, answer: result })
    if (result === 200) return
    if (nth < TRIES) await pause(options.clock, options.retryMs, options.signal)
  }
  options.log('webhook.given_up', { runpod_job: job.id })
}

async function post(url: string, body: string, options: WebhookOptions): Promise<number | string> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
      redirect: 'manual',
      signal: AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]),
    })
    // Only the status counts: a body that breaks off has no effect.
    answer.body?.cancel().catch(() => {})
    return answer.status
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : 'unknown error'
  }
}

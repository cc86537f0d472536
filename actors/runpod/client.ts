/**
 * RunPod serverless over HTTP: run, status, cancel, health. Every call is bounded, and every answer is one of a closed
 * set: nothing is thrown, and no upstream error reaches a caller unprocessed.
 *
 * `/run` has no idempotency key, so its answers are classified strictly: a refusal means that no job was created;
 * anything doubtful is ambiguous, and must never lead to a second current attempt.
 */
import * as v from 'valibot'
import type { CancelAnswer, Observation } from '../export-job/core/events.ts'
import type { EndpointHealth, Failure, JsonObject, RefusalCause } from '../export-job/core/job.ts'
import { CALL_LIMITS } from '../export-job/core/policy.ts'
import { textOf } from '../export-job/core/text.ts'
import { failure, sentenceOf } from '../export-job/core/verdicts.ts'
import { type Answer, boundedFetch, fetchStatus, parseAs, type Status } from '../shared/bounded-fetch.ts'
import { withoutSecrets } from '../shared/redact.ts'
import { retryAfterMs } from '../shared/retry-after.ts'
import { VERSION } from '../shared/version.ts'
import { isFinal, observationOf, RunpodEnvelope, RunpodId } from './envelope.ts'

export interface RunpodSettings {
  /** `https://api.runpod.ai/v2/<endpoint id>`, without a trailing slash. */
  endpoint: string
  apiKey: string
}

export type RunAnswer =
  | { kind: 'accepted'; runpodJobId: string }
  | { kind: 'refused'; status: number; failure: Failure; cause: RefusalCause; retryAfterMs: number | null }
  | { kind: 'ambiguous'; detail: string }

export type StatusAnswer = { kind: 'observed'; observation: Observation } | { kind: 'failed' }

const USER_AGENT = `Exportal/${VERSION}`

/** An envelope echoes the input and contains the worker's result, of up to 10 MB (docs.runpod.io, operation reference). */
const ENVELOPE_BYTES = 12 * 1024 * 1024
const ANSWER_BYTES = 2 * 1024 * 1024

const RunReply = v.object({ id: RunpodId })
const Count = v.fallback(v.pipe(v.number(), v.minValue(0)), 0)
const HealthReply = v.object({
  jobs: v.fallback(v.object({ inQueue: Count }), { inQueue: 0 }),
  workers: v.object({ idle: Count, running: Count, throttled: Count, initializing: Count, unhealthy: Count }),
})

/** Asks RunPod to run a job. */
export async function run(settings: RunpodSettings, body: JsonObject): Promise<RunAnswer> {
  return sortRunAnswer(await call(settings, 'POST', '/run', CALL_LIMITS.runMs, body))
}

/** `gone` only if the key may access the endpoint, since RunPod answers 404 for jobs of other accounts as well. */
export async function status(settings: RunpodSettings, runpodJobId: string): Promise<StatusAnswer> {
  const path = `/status/${encodeURIComponent(runpodJobId)}`
  const answer = await call(settings, 'GET', path, CALL_LIMITS.statusMs)
  if (answer.kind === 'lost') return { kind: 'failed' }
  if (answer.status === 404) {
    if (!(await isOurs(settings))) return { kind: 'failed' }
    return { kind: 'observed', observation: { state: 'gone', error: null, usage: null } }
  }
  const envelope = answer.status === 200 ? parseAs(RunpodEnvelope, answer.text) : null
  return envelope ? { kind: 'observed', observation: observationOf(envelope) } : { kind: 'failed' }
}

/**
 * Cancels a job at RunPod. Confirmed means that `/cancel` answered CANCELLED, or that `/status` is final or 404; a
 * refused `/cancel` may concern a job that has ended, so `/status` is requested as well.
 */
export async function cancel(settings: RunpodSettings, runpodJobId: string): Promise<CancelAnswer> {
  const path = `/cancel/${encodeURIComponent(runpodJobId)}`
  const answer = await call(settings, 'POST', path, CALL_LIMITS.cancelMs, {})
  if (answer.kind === 'answered' && answer.status === 200) {
    const envelope = parseAs(RunpodEnvelope, answer.text)
    const observation = envelope ? observationOf(envelope) : null
    if (observation && isFinal(observation)) return { kind: 'ended', usage: observation.usage }
  }
  const seen = await status(settings, runpodJobId)
  if (seen.kind === 'failed') return { kind: 'unconfirmed' }
  if (seen.observation.state === 'gone') return { kind: 'missing' }
  return isFinal(seen.observation)
    ? { kind: 'ended', usage: seen.observation.usage }
    : { kind: 'unconfirmed' }
}

/** Whether the key may access the endpoint: for another account's key, RunPod answers 404 for every job of it. */
async function isOurs(settings: RunpodSettings): Promise<boolean> {
  const answer = await call(settings, 'GET', '/health', CALL_LIMITS.statusMs)
  return answer.kind === 'answered' && answer.status === 200
}

/** Workers and queue of the endpoint; null if RunPod does not answer. */
export async function health(
  settings: RunpodSettings,
  now: number,
  ms: number = CALL_LIMITS.statusMs,
): Promise<EndpointHealth | null> {
  const answer = await call(settings, 'GET', '/health', ms)
  if (answer.kind === 'lost' || answer.status !== 200) return null
  const reply = parseAs(HealthReply, answer.text)
  return reply && { seenAt: now, inQueue: reply.jobs.inQueue, ...reply.workers }
}

/** The status of `/health`, whatever its body. */
export function healthStatus(settings: RunpodSettings, ms: number): Promise<Status> {
  return fetchStatus(`${settings.endpoint}/health`, { headers: headersOf(settings) }, ms)
}

function call(
  settings: RunpodSettings,
  method: 'GET' | 'POST',
  path: string,
  ms: number,
  body?: JsonObject,
): Promise<Answer> {
  const headers: Record<string, string> = headersOf(settings)
  if (body) headers['Content-Type'] = 'application/json'
  const init: RequestInit = body ? { method, headers, body: JSON.stringify(body) } : { method, headers }
  const bytes = path.startsWith('/status/') || path.startsWith('/cancel/') ? ENVELOPE_BYTES : ANSWER_BYTES
  return boundedFetch(`${settings.endpoint}${path}`, init, { ms, bytes })
}

function headersOf({ apiKey }: RunpodSettings) {
  return { Authorization: `Bearer ${apiKey}`, 'User-Agent': USER_AGENT }
}

/** Answers of `/run` that have a failure of their own: none of them is caused by the job. */
const REFUSALS = new Map<number, [code: string, message: string]>([
  [401, ['runpod_unauthorized', 'RunPod refused the API key (401); check RUNPOD_API_KEY.']],
  [402, ['runpod_no_credit', 'RunPod says that the account has no credit (402).']],
  [403, ['runpod_forbidden', 'The RunPod API key may not use this endpoint (403).']],
  [404, ['runpod_endpoint_not_found', 'RunPod does not know the endpoint (404); check its address.']],
  [429, ['runpod_rate_limited', 'RunPod limits the rate of requests (429).']],
  [500, ['runpod_unavailable', 'RunPod could not take the job (500).']],
  [503, ['runpod_unavailable', 'RunPod could not take the job (503).']],
])

/**
 * The causes of the statuses of `/run`. Only these four depend on the request's body, and thus on the job: every other
 * 4xx would refuse each job alike, as 405 does at an address that is no endpoint.
 */
const CAUSED_BY_JOB = new Set([400, 413, 414, 422])
/** The server gave up on this request: a later one may succeed. (RFC 9110, 15.5.9; RFC 8470, 5.2) */
const CAUSED_BY_RUNPOD = new Set([408, 421, 425, 429, 500, 503])

/** Exported for the table of its tests: every status of `/run` has one meaning. */
export function sortRunAnswer(answer: Answer): RunAnswer {
  if (answer.kind === 'lost') return { kind: 'ambiguous', detail: answer.detail }
  const { status: code, text, headers } = answer
  if (code === 200) {
    const reply = parseAs(RunReply, text)
    return reply
      ? { kind: 'accepted', runpodJobId: reply.id }
      : { kind: 'ambiguous', detail: 'RunPod answered 200 without a readable id.' }
  }
  const refused = (cause: RefusalCause, failed: Failure): RunAnswer => ({
    kind: 'refused',
    status: code,
    failure: failed,
    cause,
    retryAfterMs: retryAfterMs(headers),
  })
  if (CAUSED_BY_JOB.has(code)) {
    const why = `RunPod rejected the job (${code}): ${reasonIn(text)}`
    return refused('job', failure('dispatch_rejected', why, false))
  }
  const [name, message] = REFUSALS.get(code) ?? []
  if (CAUSED_BY_RUNPOD.has(code)) {
    const why = message ?? `RunPod could not take the job (${code}).`
    return refused('runpod', failure(name ?? 'runpod_unavailable', why, true))
  }
  if (code >= 400 && code < 500) {
    const why = message ?? `No endpoint takes jobs at this address (${code}); check it. ${reasonIn(text)}`
    return refused('deployment', failure(name ?? 'runpod_endpoint_not_found', why, true))
  }
  return { kind: 'ambiguous', detail: `RunPod answered ${code}.` }
}

/** Bodies of errors are not documented; one of these fields is usually present. A proxy answers with a page. */
function reasonIn(text: string | null): string {
  if (text === null) return 'Its answer could not be read.'
  const Reason = v.looseObject({})
  const body = parseAs(Reason, text)
  const found = textOf(body ? (body.error ?? body.detail ?? body.message) : text).trim()
  return found === '' || found.startsWith('<') ? 'It gave no reason.' : sentenceOf(withoutSecrets(found))
}

/**
 * RunPod's job envelope, as returned by `/status` and posted by its webhook, parsed defensively: fields vary, and
 * `input` and `webhook` echo our own secrets, so neither is ever kept or logged.
 * Source: docs.runpod.io, operation reference and job states; statuses and texts seen in its SDKs.
 */
import * as v from 'valibot'
import type { Observation } from '../export-job/core/events.ts'
import type { Usage } from '../export-job/core/job.ts'
import { cutText, textOf } from '../export-job/core/text.ts'
import { withoutSecrets } from '../shared/redact.ts'

/** The first lines of a traceback are enough to identify it. */
const MAX_ERROR_CHARACTERS = 10_000

/** RunPod bounds both times by 7 days (docs.runpod.io, endpoint configurations). Anything longer is not a duration. */
const MAX_MILLISECONDS = 8 * 24 * 60 * 60_000

const Milliseconds = v.fallback(
  v.nullish(v.pipe(v.number(), v.minValue(0), v.maxValue(MAX_MILLISECONDS))),
  null,
)

/**
 * Opaque, but part of the address of `/status` and `/cancel`: half a surrogate pair has no form in a URL, and a dot
 * segment addresses something else.
 */
export const RunpodId = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(200),
  v.check((id) => id.isWellFormed()),
  v.notValue('.'),
  v.notValue('..'),
)

export const RunpodEnvelope = v.object({
  id: v.fallback(v.nullish(RunpodId), null),
  status: v.pipe(v.string(), v.trim(), v.toUpperCase()),
  error: v.optional(v.unknown()),
  output: v.optional(v.unknown()),
  delayTime: Milliseconds,
  executionTime: Milliseconds,
  workerId: v.fallback(
    v.nullish(
      v.pipe(
        v.string(),
        v.transform((id) => cutText(id, 200)),
      ),
    ),
    null,
  ),
})

export type RunpodEnvelope = v.InferOutput<typeof RunpodEnvelope>

/** The result of a failed handler, as docs/gpu-worker.md specifies it. */
const Returned = v.object({
  error: v.optional(v.unknown()),
  code: v.fallback(v.nullable(v.string()), null),
  should_retry: v.fallback(v.nullable(v.boolean()), null),
})

/**
 * RUNNING is documented, although no answer of the API with it is known. An unknown status is not final, and no sign of
 * a worker either: it would start the execution time of a job that waits. To a running job `queued` means the same.
 */
const STATES = new Map<string, Observation['state']>([
  ['IN_QUEUE', 'queued'],
  ['IN_PROGRESS', 'running'],
  ['RUNNING', 'running'],
  ['COMPLETED', 'completed'],
  ['FAILED', 'failed'],
  ['CANCELLED', 'cancelled'],
  ['TIMED_OUT', 'timed_out'],
])

/** The state of the job in an envelope. */
export function observationOf(envelope: RunpodEnvelope): Observation {
  // The SDK moves a handler's error out of its output, but not always, and leaves the fields beside it there.
  const beside = v.parse(Returned, isObject(envelope.output) ? envelope.output : {})
  const error = envelope.error ?? beside.error
  const state = STATES.get(envelope.status) ?? 'queued'
  return {
    // Where no SDK moved it, RunPod calls a run completed whose handler returned an error.
    state: state === 'completed' && saysSomething(error) ? 'failed' : state,
    error: error == null ? null : errorText(textOf(error)),
    code: beside.code,
    retryable: beside.should_retry,
    usage: usageOf(envelope),
  }
}

/** Cut twice: before redaction because the text may be very long, and after it because redaction changes the length. */
function errorText(text: string): string {
  return cutText(withoutSecrets(cutText(text, 2 * MAX_ERROR_CHARACTERS)), MAX_ERROR_CHARACTERS)
}

/** As the SDK decides whether a handler returned an error: what Python holds for false is none. */
function saysSomething(error: unknown): boolean {
  if (!isObject(error)) return Boolean(error)
  return Object.keys(error).length > 0
}

function isObject(value: unknown): value is object {
  return value !== null && typeof value === 'object'
}

export function isFinal(observation: Observation): boolean {
  return observation.state !== 'queued' && observation.state !== 'running'
}

function usageOf(envelope: RunpodEnvelope): Usage | null {
  const { delayTime, executionTime, workerId } = envelope
  if (delayTime == null && executionTime == null && workerId == null) return null
  return { delayMs: delayTime ?? null, executionMs: executionTime ?? null, workerId: workerId ?? null }
}

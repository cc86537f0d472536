/**
 * RunPod's job envelope, as `/status` answers it and its webhook posts it, read defensively: fields come and go, and
 * `input` and `webhook` echo our own secrets, so neither is ever kept or logged.
 * Source: docs.runpod.io, operation reference and job states; statuses and texts seen in its SDKs.
 */
import * as v from 'valibot'
import type { Observation } from './export-job/core/events.ts'
import type { Usage } from './export-job/core/job.ts'

const Milliseconds = v.fallback(v.nullish(v.pipe(v.number(), v.minValue(0))), null)

export const RunpodEnvelope = v.object({
  id: v.fallback(v.nullish(v.pipe(v.string(), v.maxLength(200))), null),
  status: v.pipe(v.string(), v.maxLength(40)),
  error: v.optional(v.unknown()),
  output: v.optional(v.unknown()),
  delayTime: Milliseconds,
  executionTime: Milliseconds,
  workerId: v.fallback(v.nullish(v.pipe(v.string(), v.maxLength(200))), null),
})

export type RunpodEnvelope = v.InferOutput<typeof RunpodEnvelope>

/** RUNNING is listed in the documentation though the API is not known to answer it. An unknown status is not final. */
const STATES = new Map<string, Observation['state']>([
  ['IN_QUEUE', 'queued'],
  ['IN_PROGRESS', 'running'],
  ['RUNNING', 'running'],
  ['COMPLETED', 'completed'],
  ['FAILED', 'failed'],
  ['CANCELLED', 'cancelled'],
  ['TIMED_OUT', 'timed_out'],
])

/** What an envelope says of its job. */
export function observationOf(envelope: RunpodEnvelope): Observation {
  return {
    state: STATES.get(envelope.status) ?? 'running',
    error: errorText(envelope),
    usage: usageOf(envelope),
  }
}

export function isFinal(observation: Observation): boolean {
  return observation.state !== 'queued' && observation.state !== 'running'
}

function usageOf(envelope: RunpodEnvelope): Usage | null {
  const { delayTime, executionTime, workerId } = envelope
  if (delayTime == null && executionTime == null && workerId == null) return null
  return { delayMs: delayTime ?? null, executionMs: executionTime ?? null, workerId: workerId ?? null }
}

/** The SDK lifts a handler's error out of its output, but not always. */
function errorText({ error, output }: RunpodEnvelope): string | null {
  const nested = output && typeof output === 'object' && 'error' in output ? output.error : null
  const found = error ?? nested
  if (found == null) return null
  return (typeof found === 'string' ? found : JSON.stringify(found)).slice(0, 10_000)
}

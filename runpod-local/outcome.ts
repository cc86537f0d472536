/**
 * The outcome of a run, by the rules of RunPod's SDK for a handler's return value, and of its platform for a posted
 * result.
 */
import { isObject, type JsonObject } from './job.ts'

/** In the fields of a RunPod result. */
export type Outcome =
  | { kind: 'completed'; output: unknown }
  | { kind: 'failed'; error: string; output: unknown }
  /** `noticed`: the platform has detected it already, so there is no delay. */
  | { kind: 'lost'; why: string; noticed?: boolean }

/** Thrown by a handler to simulate a worker's silent death, which the platform detects later. */
export class WorkerLost extends Error {
  override name = 'WorkerLost'
}

/**
 * The SDK's treatment of a return value (rp_job.py, run_job): from an object it takes `error` out, and removes
 * `refresh_worker`; an empty object has no output.
 */
export function returned(value: unknown): Outcome {
  if (!isObject(value)) return { kind: 'completed', output: value ?? null }
  const { error, refresh_worker: _, ...rest } = value
  return posted({ error, output: Object.keys(rest).length > 0 ? rest : undefined })
}

/** The platform's treatment of a posted result. */
export function posted({ error, output }: JsonObject): Outcome {
  if (isFalse(error)) return { kind: 'completed', output }
  return { kind: 'failed', error: typeof error === 'string' ? error : JSON.stringify(error), output }
}

/** The SDK's treatment of an exception: the error is JSON text. */
export function thrown(error: unknown, workerId: string): Outcome {
  if (error instanceof WorkerLost) return { kind: 'lost', why: error.message }
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error))
  const text = {
    error_type: name,
    error_message: message,
    error_traceback: stack ?? '',
    hostname: 'localhost',
    worker_id: workerId,
    runpod_version: 'runpod-local',
  }
  return { kind: 'failed', error: JSON.stringify(text), output: undefined }
}

/** A result over the job's limit is lost (runpod/docs, handler-functions). Sizes in bytes. */
export function tooLarge(size: number, limit: number): Outcome {
  const error = `the result has ${size} bytes, RunPod takes ${limit / 1024 / 1024} MB`
  return { kind: 'failed', error, output: undefined }
}

/** Whether a JSON value is false in Python. */
function isFalse(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0
  return !value
}

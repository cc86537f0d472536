/**
 * Maps RunPod's statuses and errors to failures, in the forms that RunPod actually uses: an execution timeout is FAILED
 * with `executionTimeout exceeded`, a lost worker is FAILED with `job timed out after N retries`, a Python exception is
 * JSON text inside `error`.
 */
import type { Observation } from './events.ts'
import type { Failure } from './job.ts'
import { cutText } from './text.ts'

const MAX_CHARACTERS = 500

const OUT_OF_MEMORY = /out of memory|\bOOM\b|CUDA_ERROR_OUT_OF_MEMORY|MemoryError/i

/** The failure for a final status other than COMPLETED, or for a job that RunPod no longer has. */
export function failureOf(observation: Observation, wasRunning: boolean): Failure {
  switch (observation.state) {
    case 'cancelled':
      return failure('runpod_cancelled', 'The job was cancelled at RunPod, not by this service.', false)
    case 'timed_out':
      return wasRunning
        ? failure('execution_timeout', 'RunPod timed the job out while it ran.', true)
        : failure('worker_lost', 'RunPod timed the job out before a worker reported on it.', true)
    case 'gone':
      return failure('runpod_job_lost', 'RunPod no longer knows the job, and its output was not found.', true)
    case 'failed':
      return failureOfWorker(observation)
    case 'queued':
    case 'running':
    case 'completed':
      return failure('worker_error', `Unexpected verdict ${observation.state}.`, true)
  }
}

/** A handler that returns an error may add a code, and whether the error is retryable. */
function failureOfWorker({ error, code, retryable }: Observation): Failure {
  const read = failureOfText(error ?? '')
  if (read.code === 'execution_timeout' || read.code === 'worker_lost') return read
  return failure(codeOf(code) ?? read.code, read.message, retryable ?? read.retryable)
}

/** Accepts only identifiers, which programs compare; null for anything else. */
export function codeOf(said: string | null | undefined): string | null {
  return said != null && /^[a-z][a-z0-9_]{0,63}$/.test(said) ? said : null
}

function failureOfText(error: string): Failure {
  if (/executionTimeout exceeded/i.test(error)) {
    return failure('execution_timeout', 'RunPod stopped the job at its execution timeout.', true)
  }
  if (/job timed out after \d+ retr/i.test(error)) {
    return failure('worker_lost', 'RunPod lost the worker that ran the job.', true)
  }
  const message = sentenceOf(error)
  if (OUT_OF_MEMORY.test(error)) return failure('out_of_memory', message, true)
  return failure('worker_error', message, true)
}

/** The readable part of a worker's error: a Python exception's own message, never its traceback or paths. */
export function sentenceOf(error: string): string {
  let text = error
  if (text.trimStart().startsWith('{')) {
    try {
      const parsed: unknown = JSON.parse(text)
      if (parsed && typeof parsed === 'object') {
        const message =
          'error_message' in parsed ? parsed.error_message : 'message' in parsed ? parsed.message : null
        if (typeof message === 'string') text = message
      }
    } catch {
      // Not JSON: shown unchanged.
    }
  }
  const line =
    text
      .split('\n')
      .find((each) => each.trim() !== '')
      ?.trim() ?? ''
  return line === '' ? 'The worker failed without saying why.' : cutText(line, MAX_CHARACTERS)
}

export function failure(code: string, message: string, retryable: boolean): Failure {
  return { code, message, retryable }
}

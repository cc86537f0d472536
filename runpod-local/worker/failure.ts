/**
 * Why a job failed, in the words of the error report: a sentence for a person, and what the service needs. Lone halves of
 * surrogate pairs, which file names and params may hold, become U+FFFD.
 */
export class JobFailure extends Error {
  readonly code: FailureCode
  readonly shouldRetry: boolean

  constructor(code: FailureCode, message: string, shouldRetry: boolean) {
    super(message.toWellFormed())
    this.code = code
    this.shouldRetry = shouldRetry
  }
}

export type FailureCode =
  | 'invalid_params'
  | 'invalid_media'
  | 'input_not_found'
  | 'out_of_memory'
  | 'worker_error'
  | (string & {})

/** Media that no retry can mend. */
export function invalidMedia(message: string): JobFailure {
  return new JobFailure('invalid_media', message, false)
}

/** Params that the service should have refused. */
export function invalidParams(message: string): JobFailure {
  return new JobFailure('invalid_params', message, false)
}

/** Anything else as a failure: most likely a passing trouble of this worker, so worth another attempt. */
export function toFailure(error: unknown): JobFailure {
  if (error instanceof JobFailure) return error
  const message = error instanceof Error ? error.message : String(error)
  return new JobFailure('worker_error', `The worker failed: ${message}`, true)
}

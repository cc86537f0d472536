/**
 * The reason of a failed job in the form of the error report: a sentence for people, and the fields for the service.
 * Unpaired surrogates, which file names and params may contain, become U+FFFD.
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

/** Media that fail again with every retry. */
export function invalidMedia(message: string): JobFailure {
  return new JobFailure('invalid_media', message, false)
}

/** Params that the service should have refused. */
export function invalidParams(message: string): JobFailure {
  return new JobFailure('invalid_params', message, false)
}

/** Any other error as a failure: most likely temporary and of this worker, so retryable. */
export function toFailure(error: unknown): JobFailure {
  if (error instanceof JobFailure) return error
  const text = error instanceof Error ? error.message : String(error)
  // The full text of a system error contains a local path.
  const message = error instanceof Error && 'path' in error ? text.split(', ', 1)[0] : text
  return new JobFailure('worker_error', `The worker failed: ${message}`, true)
}

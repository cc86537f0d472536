/**
 * Handles thrown values that are no `Problem`: such a bug is logged with its stack, and the client receives only its
 * request id.
 */
import type { Exchange } from './exchange.ts'
import { logFailure } from './log.ts'
import { Problem } from './problem.ts'

export function problemOf(error: unknown, about: Pick<Exchange, 'requestId' | 'notes'>): Problem {
  if (error instanceof Problem) return error
  logFailure(about, error)
  return new Problem(500, 'internal_error', 'Something went wrong here; report it with the request id.')
}

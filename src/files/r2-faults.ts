/**
 * Maps R2's errors about parts to sentences that a person can act on (developers.cloudflare.com/r2/api/error-codes).
 */
import { logFault } from '../../actors/shared/log.ts'
import { NOT_FOUND } from '../../actors/upload/rules.ts'
import type { Call } from '../http/exchange.ts'
import { Problem, unavailable } from '../http/problem.ts'

const KNOWN = new Map<string, () => Problem>([
  [
    '10011',
    () =>
      new Problem(
        400,
        'part_too_small',
        'Every part but the last needs at least 5 MiB; begin again with larger parts.',
      ),
  ],
  ['10024', () => new Problem(404, NOT_FOUND.code, NOT_FOUND.detail)],
  [
    '10025',
    () =>
      new Problem(
        400,
        'part_missing',
        'Storage does not have one of the parts; list them, and send what is missing.',
      ),
  ],
  [
    '10048',
    () =>
      new Problem(
        400,
        'parts_unequal',
        'All parts but the last must be equally large, and the last not larger.',
      ),
  ],
])

/** The number in `… (10048)`; null for an error that is not R2's. */
export function r2Code(error: unknown): string | null {
  return /\((\d{5})\)/.exec(String(error))?.[1] ?? null
}

/**
 * The problem for a storage failure while `doing`. An error that is not known to be the caller's fault is logged, and
 * is a 503.
 */
export function storageProblem(call: Call, doing: string, error: unknown): Problem {
  if (/FixedLengthStream/.test(String(error))) {
    return new Problem(400, 'size_mismatch', 'The part is shorter or longer than its Content-Length.')
  }
  const known = KNOWN.get(r2Code(error) ?? '')
  if (known) return known()
  logFault('r2', error, { doing, request_id: call.requestId })
  return unavailable('storage_unavailable', 'Storage did not answer as it should; try again shortly.')
}

/** Calls storage. @throws Problem of `storageProblem` */
export async function askR2<T>(call: Call, doing: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    throw storageProblem(call, doing, error)
  }
}

/** Maps failures of D1 to 503 rather than 500: the client may try again. */
import { logFault } from '../../actors/shared/log.ts'
import { unavailable } from '../http/problem.ts'

/** @throws Problem 503 when D1 does not answer */
export async function reach<T>(query: () => Promise<T>, what = 'jobs'): Promise<T> {
  try {
    return await query()
  } catch (error) {
    logFault('d1', error)
    const detail = lacksMigration(error)
      ? MIGRATION_LACKS
      : `The list of ${what} could not be reached; try again shortly.`
    throw unavailable('list_unavailable', detail)
  }
}

export const MIGRATION_LACKS =
  'The database lacks a migration: npm run deploy applies it, as does wrangler d1 migrations apply DB.'

/** Whether a query failed because the database is older than this code, which no time mends. */
export function lacksMigration(error: unknown): boolean {
  return /no such (?:table|column)|has no column named/.test(String(error))
}

/** Finds the endpoints that have unfinished jobs, including those that were removed from the settings. */
import type { Env } from '../env.ts'
import { reach } from './reach.ts'
import { MAX_ACTIVE } from './stats-query.ts'

/** @returns names, from the first `MAX_ACTIVE` unfinished jobs @throws Problem 503 when D1 does not answer */
export async function endpointsInUse(env: Env): Promise<readonly string[]> {
  const sql = `SELECT DISTINCT endpoint FROM (
      SELECT endpoint FROM export_jobs INDEXED BY export_jobs_by_status
      WHERE outcome = 'open' LIMIT ${MAX_ACTIVE})`
  const { results } = await reach(() => env.DB.prepare(sql).all<{ endpoint: string }>())
  return results.map(({ endpoint }) => endpoint)
}

/**
 * The queries of `/api/admin/metrics`: the counters, which a trigger of the list maintains, and the list's current
 * state.
 */
import type { CounterRow, ListGauges } from '../admin/metric-families.ts'
import type { Env } from '../env.ts'
import type { Query } from './list-query.ts'
import { overdueSql } from './overdue.ts'
import { reach } from './reach.ts'
import { type ActiveRow, activeQuery, MAX_ACTIVE } from './stats-query.ts'
import { OVERDUE_MS } from './sweep.ts'

const COUNTERS: Query = {
  // The maximum that each sum has reached, since a counter must not decrease.
  sql: `SELECT status, type, code, ended, attempts, webhooks_taken, webhooks_failed,
      ROUND(gpu_seconds_shown, 3) AS gpu_seconds, ROUND(wasted_seconds_shown, 3) AS wasted_seconds
    FROM job_counters`,
  values: [],
}

/** Excludes jobs that were retried by hand: their rows do not record when the wait began. */
const OLDEST_WAITING: Query = {
  sql: `SELECT created_at AS at FROM export_jobs INDEXED BY export_jobs_by_status
    WHERE outcome = 'open' AND status IN ('pending', 'queued') AND round = 1 ORDER BY created_at, id LIMIT 1`,
  values: [],
}

const WEBHOOKS_OWED: Query = {
  sql: `SELECT COALESCE(SUM(webhooks_owed), 0) AS messages FROM (
      SELECT webhooks_owed FROM export_jobs INDEXED BY export_jobs_by_webhooks_owed
      WHERE webhooks_owed > 0 LIMIT ${MAX_ACTIVE})`,
  values: [],
}

function overdueQuery(now: number): Query {
  return {
    sql: `SELECT COUNT(*) AS jobs FROM (
        ${overdueSql('1', 'due_at < ?1', `LIMIT ${MAX_ACTIVE}`)})`,
    values: [now - OVERDUE_MS],
  }
}

/** @param now milliseconds @throws Problem 503 when D1 does not answer */
export async function readMetrics(
  env: Env,
  now: number,
): Promise<{ counters: CounterRow[]; gauges: ListGauges }> {
  const queries = [COUNTERS, activeQuery(), OLDEST_WAITING, overdueQuery(now), WEBHOOKS_OWED]
  const answers = await reach(() =>
    env.DB.batch(queries.map(({ sql, values }) => env.DB.prepare(sql).bind(...values))),
  )
  const rows = <T>(index: number): T[] => (answers[index]?.results ?? []) as T[]
  return {
    counters: rows<CounterRow>(0),
    gauges: {
      active: rows<ActiveRow>(1),
      oldestWaitingAt: rows<{ at: number | null }>(2)[0]?.at ?? null,
      overdue: rows<{ jobs: number }>(3)[0]?.jobs ?? 0,
      webhooksOwed: rows<{ messages: number }>(4)[0]?.messages ?? 0,
      // Every answer of D1 contains its size.
      bytes: answers[0]?.meta.size_after ?? 0,
    },
  }
}

/**
 * The queries of the statistics. Those over ended jobs read one range of the index by end, which contains every column
 * they need, and at most its newest `MAX_ENDED` entries.
 */
import type { Query } from './list-query.ts'
import { overdueSql } from './overdue.ts'
import { BEHIND, behindSince } from './triage-query.ts'

/** Maximum number of ended jobs in one window's figures. */
export const MAX_ENDED = 20_000
/** Maximum number of unfinished jobs that are counted. */
export const MAX_ACTIVE = 20_000

/** A time span: `from` exclusive, `until` inclusive, in milliseconds. */
export interface Span {
  from: number
  until: number
}

function ended({ from, until }: Span): Query {
  return {
    sql: `WITH ended AS MATERIALIZED (
      SELECT finished_at, status, type, error_code, attempt, endpoint, queue_seconds, total_seconds, gpu_seconds,
        wasted_seconds, webhooks_taken, webhooks_failed
      FROM export_jobs INDEXED BY export_jobs_by_end
      WHERE finished_at > ? AND finished_at <= ? ORDER BY finished_at DESC LIMIT ${MAX_ENDED})`,
    values: [from, until],
  }
}

export interface GroupRow {
  /** Start of the hour, in milliseconds. */
  hour: number
  status: string
  type: string
  error_code: string | null
  attempt: number
  endpoint: string
  jobs: number
  gpu_seconds: number
  wasted_seconds: number
  webhooks_taken: number
  webhooks_failed: number
}

/** Ended jobs grouped by hour, outcome, number of attempts and endpoint; every count is derived from these groups. */
export function groupsQuery(span: Span): Query {
  const { sql, values } = ended(span)
  return {
    sql: `${sql}
      SELECT finished_at / 3600000 * 3600000 AS hour, status, type, error_code, attempt, endpoint, COUNT(*) AS jobs,
        SUM(gpu_seconds) AS gpu_seconds, SUM(wasted_seconds) AS wasted_seconds,
        SUM(webhooks_taken) AS webhooks_taken, SUM(webhooks_failed) AS webhooks_failed
      FROM ended GROUP BY 1, 2, 3, 4, 5, 6`,
    values,
  }
}

/** JSON arrays of seconds, unordered, each without the jobs that have no value. */
export interface SecondsRow {
  queue: string
  run: string
  total: string
}

/**
 * How long each job waited, ran and took in total. SQLite returns the numbers unsorted in one row: sorting them by
 * window functions takes it ten times as long as a typed array does.
 */
export function secondsQuery(span: Span): Query {
  const { sql, values } = ended(span)
  const list = (seconds: string) => `json_group_array(${seconds}) FILTER (WHERE ${seconds} IS NOT NULL)`
  const run = 'ROUND(total_seconds - queue_seconds, 3)'
  return {
    sql: `${sql} SELECT ${list('queue_seconds')} AS queue, ${list(run)} AS run, ${list('total_seconds')} AS total
      FROM ended`,
    values,
  }
}

/** Returns a row when the window has more ended jobs than are read. */
export function cutQuery({ from, until }: Span): Query {
  return {
    sql: `SELECT finished_at FROM export_jobs INDEXED BY export_jobs_by_end
      WHERE finished_at > ? AND finished_at <= ? ORDER BY finished_at DESC LIMIT 1 OFFSET ${MAX_ENDED}`,
    values: [from, until],
  }
}

export interface ActiveRow {
  status: string
  jobs: number
}

/** Current unfinished jobs by status. */
export function activeQuery(): Query {
  return {
    sql: `SELECT status, COUNT(*) AS jobs FROM (
        SELECT status FROM export_jobs INDEXED BY export_jobs_by_status
        WHERE outcome = 'open' LIMIT ${MAX_ACTIVE})
      GROUP BY status`,
    values: [],
  }
}

export interface AttentionRow {
  reason: string
  jobs: number
}

/** Jobs that need a person, by reason, and rows whose change was due before `now` (ms). */
export function attentionQuery(now: number): Query {
  return {
    sql: `SELECT reason, COUNT(*) AS jobs FROM (
        SELECT attention AS reason FROM export_jobs INDEXED BY export_jobs_by_attention
        WHERE attention IS NOT NULL LIMIT ${MAX_ACTIVE})
      GROUP BY reason
      UNION ALL SELECT 'row_behind', COUNT(*) FROM (${overdueSql('1', `due_at < ?1 AND ${BEHIND}`, `LIMIT ${MAX_ACTIVE}`)})
      HAVING COUNT(*) > 0`,
    values: [behindSince(now)],
  }
}

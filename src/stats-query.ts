/**
 * The statistics' queries. Those of ended jobs read one stretch of the index over ends, which holds everything that
 * they look at, and never more than `MOST_ENDED` entries of it, the newest.
 */
import type { Query } from './list-query.ts'

/** The most ended jobs that one window looks at. */
export const MOST_ENDED = 20_000
/** The most unfinished jobs that are counted. */
export const MOST_ACTIVE = 20_000

/** Exclusive and inclusive, in milliseconds. */
export interface Span {
  from: number
  until: number
}

function ended({ from, until }: Span): Query {
  return {
    sql: `WITH ended AS MATERIALIZED (
      SELECT finished_at, status, type, error_code, attempt, queue_seconds, total_seconds, gpu_seconds,
        wasted_seconds, webhooks_taken, webhooks_failed
      FROM export_jobs INDEXED BY export_jobs_by_end
      WHERE finished_at > ? AND finished_at <= ? ORDER BY finished_at DESC LIMIT ${MOST_ENDED})`,
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
  jobs: number
  gpu_seconds: number
  wasted_seconds: number
  webhooks_taken: number
  webhooks_failed: number
}

/** Ended jobs in groups of one hour, outcome and number of attempts: everything that is counted comes from here. */
export function groupsQuery(span: Span): Query {
  const { sql, values } = ended(span)
  return {
    sql: `${sql}
      SELECT finished_at / 3600000 * 3600000 AS hour, status, type, error_code, attempt, COUNT(*) AS jobs,
        SUM(gpu_seconds) AS gpu_seconds, SUM(wasted_seconds) AS wasted_seconds,
        SUM(webhooks_taken) AS webhooks_taken, SUM(webhooks_failed) AS webhooks_failed
      FROM ended GROUP BY 1, 2, 3, 4, 5`,
    values,
  }
}

/** JSON arrays of seconds, in no order, of the jobs that have them. */
export interface SecondsRow {
  queue: string
  run: string
  total: string
}

/**
 * How long each job waited, ran and took in all. SQLite hands the numbers out unsorted, in one row: sorting them by
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

/** A row when the window holds more ended jobs than are looked at. */
export function cutQuery({ from, until }: Span): Query {
  return {
    sql: `SELECT finished_at FROM export_jobs INDEXED BY export_jobs_by_end
      WHERE finished_at > ? AND finished_at <= ? ORDER BY finished_at DESC LIMIT 1 OFFSET ${MOST_ENDED}`,
    values: [from, until],
  }
}

export interface ActiveRow {
  status: string
  jobs: number
}

/** Unfinished jobs by status, now. */
export function activeQuery(): Query {
  return {
    sql: `SELECT status, COUNT(*) AS jobs FROM (
        SELECT status FROM export_jobs INDEXED BY export_jobs_by_status
        WHERE status IN ('pending', 'queued', 'processing', 'cancelling') LIMIT ${MOST_ACTIVE})
      GROUP BY status`,
    values: [],
  }
}

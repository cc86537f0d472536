/**
 * The query for jobs that need a person, the longest-standing first: those whose actors recorded a reason, found by an
 * index that contains no other job, and those whose rows are behind, found by the index of the sweep.
 */
import {
  asCondition,
  type Condition,
  IS_WAITING,
  type ListFilters,
  type Query,
  rangeOf,
  rowsWhere,
  testsOf,
} from './list-query.ts'
import { OVERDUE } from './overdue.ts'

/** A row is behind this long after its due instant: half of the time after which the sweep repairs it. */
const BEHIND_MS = 150_000

export function behindSince(now: number): number {
  return now - BEHIND_MS
}

/**
 * Matches among rows due before `behindSince`. A reason recorded by the actor takes precedence. The row of a job that is
 * held back is rewritten by the sweep from time to time.
 */
export const BEHIND = "attention IS NULL AND status <> 'deleting' AND waiting_since IS NULL"

/** Where a page ends. */
export interface TriagePosition {
  /** Milliseconds. */
  since: number
  id: string
}

/** At most `limit` rows, with `since` beside their columns. @param reason the only reason to match; null for all */
export function triageQuery(
  columns: string,
  filters: ListFilters,
  reason: string | null,
  after: TriagePosition | null,
  limit: number,
  now: number,
): Query {
  const narrowed = (index: string, conditions: readonly Condition[], since: string) => {
    const all = [...conditions, ...rangeOf(filters, null), ...testsOf(filters).map(asCondition)]
    if (filters.waiting) all.push(IS_WAITING)
    if (after) all.push([`(${since}, id) > (?, ?)`, [after.since, after.id]])
    const from = `SELECT ${columns}, ${since} AS since FROM export_jobs INDEXED BY export_jobs_by_${index}`
    return rowsWhere(from, all, `ORDER BY ${since}, id LIMIT ${Math.trunc(limit)}`)
  }
  const parts: Query[] = []
  if (reason !== 'row_behind') {
    const own: Condition[] = [['attention IS NOT NULL', []]]
    if (reason !== null) own.push(['attention = ?', [reason]])
    parts.push(narrowed('attention', own, 'attention_at'))
  }
  if (reason === null || reason === 'row_behind')
    for (const { index, holds } of OVERDUE)
      parts.push(narrowed(index, [[`${holds} AND due_at < ? AND ${BEHIND}`, [behindSince(now)]]], 'due_at'))
  return {
    sql: `${parts.map(({ sql }) => `SELECT * FROM (${sql})`).join(' UNION ALL ')}
      ORDER BY since, id LIMIT ${Math.trunc(limit)}`,
    values: parts.flatMap(({ values }) => values),
  }
}

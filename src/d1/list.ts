/** Reads pages of the list. */
import { COLUMN_LIST, type JobRow } from '../../actors/export-job/effects/job-columns.ts'
import type { Env } from '../env.ts'
import type { Position } from './cursor.ts'
import {
  amongQuery,
  countQuery,
  endOfWalkQuery,
  idQuery,
  isTested,
  type ListFilters,
  MAX_SCANNED,
  pageQuery,
  type Query,
} from './list-query.ts'
import { reach } from './reach.ts'

export interface RowPage {
  rows: JobRow[]
  /** Where the next page begins; null when there is none. */
  end: Position | null
}

/**
 * At most `limit` rows below `after`, newest first. With a filter that has no index, a page may be short without being
 * the last.
 */
export async function listRows(
  env: Env,
  filters: ListFilters,
  after: Position | null,
  limit: number,
): Promise<RowPage> {
  const found = await allOf<JobRow>(env, pageQuery(COLUMN_LIST, filters, after, limit + 1))
  const rows = found.slice(0, limit)
  const last = rows.at(-1)
  if (last && found.length > limit) return { rows, end: { createdAt: last.created_at, id: last.id } }
  return { rows, end: isTested(filters) ? await endOfWalk(env, filters, after, MAX_SCANNED) : null }
}

/** Maximum number of rows that one query reads when it counts. */
const COUNTED_AT_ONCE = 20_000

/** Counts the matching rows below `after`, however far apart they are; stops at `most`. */
export async function countRows(
  env: Env,
  filters: ListFilters,
  after: Position | null,
  most: number,
): Promise<number> {
  let jobs = 0
  let from = after
  do {
    const [counted] = await allOf<{ jobs: number }>(env, countQuery(filters, from, COUNTED_AT_ONCE))
    jobs += counted?.jobs ?? 0
    from = jobs < most ? await endOfWalk(env, filters, from, COUNTED_AT_ONCE) : null
  } while (from)
  return Math.min(jobs, most)
}

/** Where a walk that reads at most `most` rows below `after` ends; null at the end of the list. */
async function endOfWalk(
  env: Env,
  filters: ListFilters,
  after: Position | null,
  most: number,
): Promise<Position | null> {
  const [end] = await allOf<{ created_at: number; id: string }>(env, endOfWalkQuery(filters, after, most))
  return end ? { createdAt: end.created_at, id: end.id } : null
}

/** The newest jobs whose ids begin with `prefix`, at most `limit`. */
export function rowsById(
  env: Env,
  prefix: string,
  projectId: number | null,
  limit: number,
): Promise<JobRow[]> {
  return allOf<JobRow>(env, idQuery(COLUMN_LIST, prefix, projectId, limit))
}

/** Those of `ids` whose rows match the filters, newest first. */
export async function idsAmong(env: Env, ids: readonly string[], filters: ListFilters): Promise<string[]> {
  return (await allOf<{ id: string }>(env, amongQuery(ids, filters))).map(({ id }) => id)
}

async function allOf<T>(env: Env, { sql, values }: Query): Promise<T[]> {
  const statement = env.DB.prepare(sql).bind(...values)
  return (await reach(() => statement.all<T>())).results
}

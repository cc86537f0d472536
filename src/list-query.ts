/**
 * The list's one query. The list is ordered by birth, and what is asked for is a status, or several: each has its own
 * stretch of an index in that order, so the page is the merge of one ordered walk for each status, and reads what it
 * shows. Asked for no status, it walks them all: an index by birth alone would have to be written for every job.
 *
 * Type, tag and error code have no index. They are tested along the walk, which then ends after `MOST_LOOKED_AT` rows:
 * a page of rare jobs may be short, and its cursor goes on where the walk ended. Of a row that it only looks at, it
 * reads no more than that.
 */
import type { JobStatus } from '../actors/export-job/core/job.ts'
import type { Position } from './cursor.ts'
import { JOB_STATUSES } from './schemas/job-view.ts'

export interface ListFilters {
  projectId: number | null
  /** Sorted; never empty. */
  statuses: readonly JobStatus[]
  type: string | null
  tag: string | null
  errorCode: string | null
  /** Milliseconds, exclusive. */
  createdAfter: number | null
  createdBefore: number | null
}

/** Every job. */
export const NO_FILTERS: ListFilters = {
  projectId: null,
  statuses: JOB_STATUSES,
  type: null,
  tag: null,
  errorCode: null,
  createdAfter: null,
  createdBefore: null,
}

export interface Query {
  sql: string
  values: (string | number)[]
}

/** The most rows that one page of a type, a tag or an error code looks at. */
export const MOST_LOOKED_AT = 1_000

/** SQLite takes 500 terms in one compound SELECT, D1 takes 5; a group of them counts as one. */
const GROUP = 4

/** Sorts after every position of a job born before it. */
const FIRST_ID = ''

/** A filter without an index. */
interface Test {
  column: string
  sql: string
  value: string
}

function testsOf({ type, tag, errorCode }: ListFilters): Test[] {
  const tests: Test[] = []
  if (type !== null) tests.push({ column: 'type', sql: 'type = ?', value: type })
  if (tag !== null) {
    tests.push({ column: 'tags', sql: 'EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?)', value: tag })
  }
  if (errorCode !== null) tests.push({ column: 'error_code', sql: 'error_code = ?', value: errorCode })
  return tests
}

/** Whether rows are tested along the walk, so that a page may end before it is full. */
export function isTested(filters: ListFilters): boolean {
  return testsOf(filters).length > 0
}

/** The newest jobs whose ids begin like this; ids are in order of birth. */
export function idQuery(columns: string, prefix: string, projectId: number | null, limit: number): Query {
  const project = projectId === null ? '' : 'AND project_id = ?'
  return {
    sql: `SELECT ${columns} FROM export_jobs WHERE id >= ? AND id < ? AND status <> 'deleting' ${project}
      ORDER BY id DESC ${limitOf(limit)}`,
    values: [prefix, `${prefix}~`, ...(projectId === null ? [] : [projectId])],
  }
}

/** The page of at most `limit` rows below `after`, newest first. */
export function pageQuery(
  columns: string,
  filters: ListFilters,
  after: Position | null,
  limit: number,
): Query {
  const tests = testsOf(filters)
  if (tests.length === 0) return walk(columns, filters, after, limit)
  const lookedAt = ['created_at, id', ...tests.map(({ column }) => column)].join(', ')
  const walked = walk(lookedAt, filters, after, MOST_LOOKED_AT)
  const holds = tests.map(({ sql }) => sql).join(' AND ')
  return {
    // A cross join goes through its left side in order.
    sql: `SELECT ${columns} FROM
      (SELECT id AS shown FROM (${walked.sql}) WHERE ${holds} ORDER BY created_at DESC, id DESC ${limitOf(limit)})
      CROSS JOIN export_jobs ON id = shown`,
    values: [...walked.values, ...tests.map(({ value }) => value)],
  }
}

/** Where a walk that tests its rows ends without having seen everything: the last row that it looks at, if any. */
export function endOfWalkQuery(filters: ListFilters, after: Position | null): Query {
  const walked = walk('created_at, id', filters, after, MOST_LOOKED_AT)
  return { sql: `${walked.sql} OFFSET ${MOST_LOOKED_AT - 1}`, values: walked.values }
}

/** As text: a merge whose limit SQLite learns only when it runs takes a third longer. */
function limitOf(limit: number): string {
  return `LIMIT ${Math.trunc(limit)}`
}

/** Rows of the statuses asked for, in order, merged from one stretch of an index for each. */
function walk(columns: string, filters: ListFilters, after: Position | null, limit: number): Query {
  const stretches = filters.statuses.map((status) => stretch(columns, filters, status, after))
  const groups = Array.from({ length: Math.ceil(stretches.length / GROUP) }, (_, i) =>
    stretches
      .slice(i * GROUP, (i + 1) * GROUP)
      .map(({ sql }) => sql)
      .join(' UNION ALL '),
  )
  const merged =
    groups.length === 1 ? groups.join() : groups.map((sql) => `SELECT * FROM (${sql})`).join(' UNION ALL ')
  return {
    sql: `${merged} ORDER BY created_at DESC, id DESC ${limitOf(limit)}`,
    values: stretches.flatMap(({ values }) => values),
  }
}

function stretch(
  columns: string,
  { projectId, createdAfter, createdBefore }: ListFilters,
  status: JobStatus,
  after: Position | null,
): Query {
  const conditions: [string, (string | number)[]][] = [['status = ?', [status]]]
  if (projectId !== null) conditions.push(['project_id = ?', [projectId]])
  // A position of the list that is asked for lies before `createdBefore` already.
  const below = after ?? (createdBefore === null ? null : { createdAt: createdBefore, id: FIRST_ID })
  if (below) conditions.push(['(created_at, id) < (?, ?)', [below.createdAt, below.id]])
  if (createdAfter !== null) conditions.push(['created_at > ?', [createdAfter]])
  // Named, since the planner has no statistics and may take the narrower range for the better choice.
  const index = projectId === null ? 'export_jobs_by_status' : 'export_jobs_by_project'
  return {
    sql: `SELECT ${columns} FROM export_jobs INDEXED BY ${index} WHERE ${conditions.map(([sql]) => sql).join(' AND ')}`,
    values: conditions.flatMap(([, values]) => values),
  }
}

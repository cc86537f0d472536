/**
 * The queries of the list. The list is ordered by creation. Each requested outcome has its own range of an index in
 * that order, and unfinished jobs share one, in which their status is tested. A page is the merge of one ordered walk
 * per range, and reads only the rows it returns. Without a status filter all of them are merged: an index by creation
 * alone would have to be written for every job.
 *
 * Type, tag, error code and name have no index. They are tested along the walk, which then ends after `MAX_SCANNED`
 * rows: a page of rare jobs may be short, and its cursor continues where the walk ended. For a row that does not match,
 * only the tested columns are read.
 */
import type { JobStatus } from '../../actors/export-job/core/job.ts'
import { OPEN_STATUSES } from '../../actors/export-job/core/phase.ts'
import { JOB_STATUSES } from '../jobs/schemas.ts'
import type { Position } from './cursor.ts'

export interface ListFilters {
  projectId: number | null
  /** Sorted; never empty. */
  statuses: readonly JobStatus[]
  type: string | null
  tag: string | null
  errorCode: string | null
  /** A part of the job's name, or of the input's key or URL, in any case. */
  name: string | null
  /** RunPod's id of the latest attempt. */
  runpodJobId: string | null
  endpoint: string | null
  /** Whether the job waits, for lack of a place at its endpoint or because RunPod accepts none; null for either. */
  waiting: boolean | null
  /** Milliseconds, exclusive. */
  createdAfter: number | null
  createdBefore: number | null
}

/** Matches every job. */
export const NO_FILTERS: ListFilters = {
  projectId: null,
  statuses: JOB_STATUSES,
  type: null,
  tag: null,
  errorCode: null,
  name: null,
  runpodJobId: null,
  endpoint: null,
  waiting: null,
  createdAfter: null,
  createdBefore: null,
}

/** The filters of a request, by their names in the API. */
interface AskedFilters {
  project_id?: number | undefined
  type?: string | undefined
  tag?: string | undefined
  error_code?: string | undefined
  name?: string | undefined
  runpod_job_id?: string | undefined
  endpoint?: string | undefined
  waiting?: boolean | undefined
  created_after?: number | undefined
  created_before?: number | undefined
}

/**
 * @param own the project that the caller is confined to; null for none
 * @param statuses sorted; never empty
 * @returns null when another project is requested: its jobs are not visible to this caller
 */
export function filtersOf(
  own: number | null,
  asked: AskedFilters,
  statuses: readonly JobStatus[],
): ListFilters | null {
  const { project_id: project = own } = asked
  if (own !== null && project !== own) return null
  return {
    projectId: project,
    statuses,
    type: asked.type ?? null,
    tag: asked.tag ?? null,
    errorCode: asked.error_code ?? null,
    name: asked.name ?? null,
    runpodJobId: asked.runpod_job_id ?? null,
    endpoint: asked.endpoint ?? null,
    waiting: asked.waiting ?? null,
    createdAfter: asked.created_after ?? null,
    createdBefore: asked.created_before ?? null,
  }
}

export interface Query {
  sql: string
  values: (string | number)[]
}

/** Maximum number of rows that one page with a filter without an index reads. */
export const MAX_SCANNED = 1_000

/** SQLite accepts 500 terms in one compound SELECT, D1 accepts 5; a group of them counts as one. */
const GROUP = 4

/** Sorts after every position of a job created earlier. */
const FIRST_ID = ''

/** A filter without an index. */
interface Test {
  /** The columns that the test reads. */
  columns: string
  sql: string
  values: string[]
}

const TESTS = {
  type: ['type', 'type = ?'],
  tag: ['tags', 'EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?)'],
  errorCode: ['error_code', 'error_code = ?'],
  runpodJobId: ['runpod_job_id', 'runpod_job_id = ?'],
  endpoint: ['endpoint', 'endpoint = ?'],
} as const

/** Unlike the jobs that wait, the others have no index. */
const NOT_WAITING: Test = { columns: 'waiting_since', sql: 'waiting_since IS NULL', values: [] }

export function testsOf(filters: ListFilters): Test[] {
  const tests = (Object.keys(TESTS) as (keyof typeof TESTS)[]).flatMap((name): Test[] => {
    const value = filters[name]
    const [columns, sql] = TESTS[name]
    return value === null ? [] : [{ columns, sql, values: [value] }]
  })
  if (filters.name !== null) tests.push(nameTest(filters.name))
  return filters.waiting === false ? [...tests, NOT_WAITING] : tests
}

/** D1 binds 100 values in a statement; letters above this number are found only in the case that is given. */
const MAX_FOLDED_LETTERS = 20

/**
 * SQLite's `lower` changes ASCII alone, so the other letters of the name are replaced one by one. File names of macOS are
 * decomposed (é as e and an accent), what people type is not: both forms are searched for.
 */
function nameTest(name: string): Test {
  const wanted = name.normalize('NFC').toLowerCase()
  const decomposed = wanted.normalize('NFD')
  const letters = [...new Set(wanted + decomposed)].filter(isCased).slice(0, MAX_FOLDED_LETTERS)
  const names =
    "input_video_key || coalesce(input_video_url, '') || ' ' || coalesce(metadata ->> '$.name', '')"
  const folded = letters.reduce((text) => `replace(${text}, ?, ?)`, `lower(${names})`)
  return {
    columns: 'input_video_key, input_video_url, metadata',
    sql: `(SELECT instr(text, ?) + instr(text, ?) FROM (SELECT ${folded} AS text)) > 0`,
    values: [wanted, decomposed, ...letters.flatMap((letter) => [letter.toUpperCase(), letter])],
  }
}

/** Whether a letter outside ASCII has one capital letter, unlike ß. */
function isCased(letter: string): boolean {
  const capital = letter.toUpperCase()
  return letter > '\x7f' && capital !== letter && [...capital].length === 1
}

/** Whether rows are tested along the walk, so that a page may end before it is full. */
export function isTested(filters: ListFilters): boolean {
  return testsOf(filters).length > 0
}

/** The newest jobs whose ids begin with `prefix`; ids are in order of creation. */
export function idQuery(columns: string, prefix: string, projectId: number | null, limit: number): Query {
  const project = projectId === null ? '' : 'AND project_id = ?'
  return {
    sql: `SELECT ${columns} FROM export_jobs WHERE id >= ? AND id < ? AND status <> 'deleting' ${project}
      ORDER BY id DESC ${limitOf(limit)}`,
    values: [prefix, `${prefix}~`, ...(projectId === null ? [] : [projectId])],
  }
}

/** Those of `ids` whose rows match the filters, by the primary key, independent of the number of rows. */
export function amongQuery(ids: readonly string[], filters: ListFilters): Query {
  const conditions: Condition[] = [
    ['id IN (SELECT value FROM json_each(?))', [JSON.stringify(ids)]],
    statusIn(filters.statuses),
    ...(filters.waiting ? [IS_WAITING] : []),
    ...rangeOf(filters, null),
    ...testsOf(filters).map(asCondition),
  ]
  return rowsWhere('SELECT id FROM export_jobs', conditions, 'ORDER BY created_at DESC, id DESC')
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
  const lookedAt = ['created_at, id', ...tests.map(({ columns }) => columns)].join(', ')
  const walked = walk(lookedAt, filters, after, MAX_SCANNED)
  const holds = tests.map(({ sql }) => sql).join(' AND ')
  return {
    // A cross join visits its left side in order.
    sql: `SELECT ${columns} FROM
      (SELECT id AS shown FROM (${walked.sql}) WHERE ${holds} ORDER BY created_at DESC, id DESC ${limitOf(limit)})
      CROSS JOIN export_jobs ON id = shown`,
    values: [...walked.values, ...tests.flatMap(({ values }) => values)],
  }
}

/** Counts the matching rows below `after`, among at most `most` rows read. */
export function countQuery(filters: ListFilters, after: Position | null, most: number): Query {
  const tests = testsOf(filters)
  const lookedAt = ['created_at, id', ...tests.map(({ columns }) => columns)].join(', ')
  const walked = walk(lookedAt, filters, after, most)
  const holds = tests.length === 0 ? '' : `WHERE ${tests.map(({ sql }) => sql).join(' AND ')}`
  return {
    sql: `SELECT COUNT(*) AS jobs FROM (${walked.sql}) ${holds}`,
    values: [...walked.values, ...tests.flatMap(({ values }) => values)],
  }
}

/** The last row that a walk of at most `most` rows reads, if it ends before the end of the list. */
export function endOfWalkQuery(filters: ListFilters, after: Position | null, most: number): Query {
  const walked = walk('created_at, id', filters, after, most)
  return { sql: `${walked.sql} OFFSET ${most - 1}`, values: walked.values }
}

/**
 * A literal rather than a bound value: with a limit that SQLite learns only at run time, the merge takes a third
 * longer.
 */
function limitOf(limit: number): string {
  return `LIMIT ${Math.trunc(limit)}`
}

/** Rows of the requested statuses, in order, merged from ranges of an index. */
function walk(columns: string, filters: ListFilters, after: Position | null, limit: number): Query {
  const stretches = stretchesOf(filters).map((each) => stretch(columns, filters, each, after))
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

/** A condition and its values. */
export type Condition = [sql: string, values: (string | number)[]]

export const IS_WAITING: Condition = ['waiting_since IS NOT NULL', []]

export function asCondition({ sql, values }: Test): Condition {
  return [sql, values]
}

/** The rows of `from` that meet all conditions. */
export function rowsWhere(from: string, conditions: readonly Condition[], tail: string): Query {
  return {
    sql: `${from} WHERE ${conditions.map(([sql]) => sql).join(' AND ')} ${tail}`,
    values: conditions.flatMap(([, values]) => values),
  }
}

/** One range for each outcome, and one for all unfinished jobs. Waiting jobs have an index of their own. */
export function stretchesOf({ statuses, waiting }: ListFilters): Condition[][] {
  if (waiting) return [[IS_WAITING, statusIn(statuses)]]
  const open = statuses.filter((status) => OPEN_STATUSES.includes(status))
  const ended = statuses.filter((status) => !OPEN_STATUSES.includes(status))
  const stretches = ended.map((status): Condition[] => [['outcome = ?', [status]]])
  if (open.length === 0) return stretches
  const underWay: Condition[] = [["outcome = 'open'", []]]
  if (open.length < OPEN_STATUSES.length) underWay.push(statusIn(open))
  return [...stretches, underWay]
}

function statusIn(statuses: readonly JobStatus[]): Condition {
  return [`status IN (${statuses.map(() => '?').join(', ')})`, [...statuses]]
}

/** Project and time of creation, and nothing at or above `after`. */
export function rangeOf(
  { projectId, createdAfter, createdBefore }: ListFilters,
  after: Position | null,
): Condition[] {
  const conditions: Condition[] = []
  if (projectId !== null) conditions.push(['project_id = ?', [projectId]])
  // A cursor always lies before `createdBefore` already.
  const below = after ?? (createdBefore === null ? null : { createdAt: createdBefore, id: FIRST_ID })
  if (below) conditions.push(['(created_at, id) < (?, ?)', [below.createdAt, below.id]])
  if (createdAfter !== null) conditions.push(['created_at > ?', [createdAfter]])
  return conditions
}

function stretch(
  columns: string,
  filters: ListFilters,
  of: readonly Condition[],
  after: Position | null,
): Query {
  // Named explicitly, since the planner has no statistics and may prefer the narrower range.
  const index = filters.waiting ? 'waiting' : filters.projectId === null ? 'status' : 'project'
  const from = `SELECT ${columns} FROM export_jobs INDEXED BY export_jobs_by_${index}`
  return rowsWhere(from, [...of, ...rangeOf(filters, after)], '')
}

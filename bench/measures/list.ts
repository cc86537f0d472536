/**
 * A page of twenty among many rows, by each filter, compared with the best bare query on an index made for it alone;
 * and with queries that the service's few indices support, to separate D1's share of the difference.
 */
import { type ListFilters, NO_FILTERS, pageQuery } from '../../src/d1/list-query.ts'
import { requestBytes } from '../http/connection.ts'
import { type Context, loadTurn, type Measure, type Row } from '../measure.ts'
import { takeTurns } from '../rounds.ts'
import type { Runtime } from '../runtime.ts'

const ROWS = 200_000
const QUICK_ROWS = 20_000
/** Rows that one statement inserts: D1 limits its duration. */
const AT_ONCE = 20_000

const COLUMNS =
  'id, project_id, type, status, progress, stage, input_video_key, params, metadata, tags, created_at'
/** Further columns of a job in the list. */
const MORE_COLUMNS = `output_video_key, error, runpod_job_id, attempt, max_attempts, round, version, started_at,
  finished_at, expires_at, gpu_seconds, wasted_seconds, archived`
const ORDER = 'ORDER BY created_at DESC, id DESC LIMIT 20'

interface Filter {
  name: string
  query: string
  where: string
  values: (string | number)[]
  index: string
  /** The same filter for the service. */
  filters: Partial<ListFilters>
}

const FILTERS: Filter[] = [
  { name: 'no filter', query: '', where: '', values: [], index: '', filters: {} },
  {
    name: 'project',
    query: '&project_id=7',
    where: 'project_id = ?',
    values: [7],
    index: 'project_id, ',
    filters: { projectId: 7 },
  },
  {
    name: 'status',
    query: '&status=error',
    where: 'status = ?',
    values: ['error'],
    index: 'status, ',
    filters: { statuses: ['error'] },
  },
  {
    name: 'project and status',
    query: '&project_id=7&status=error',
    where: 'project_id = ? AND status = ?',
    values: [7, 'error'],
    index: 'project_id, status, ',
    filters: { projectId: 7, statuses: ['error'] },
  },
  {
    name: 'type',
    query: '&type=trim',
    where: 'type = ?',
    values: ['trim'],
    index: 'type, ',
    filters: { type: 'trim' },
  },
]

export const list: Measure = async (context) => {
  const { contenders } = context
  const exportal = await contenders.exportal()
  const floor = await contenders.floor()
  const dutiful = await contenders.floor('dutiful')
  const plain = await contenders.plain()
  const count = context.quick ? QUICK_ROWS : ROWS
  context.say(`${count} rows for each`)
  for (const runtime of [exportal, floor, dutiful, plain]) await fill(runtime, count)
  for (const [nth, { index }] of FILTERS.entries()) {
    await floor.sql(`CREATE INDEX floor_${nth} ON export_jobs (${index}created_at DESC, id DESC)`)
  }
  const rows: Row[] = []
  for (const filter of FILTERS)
    rows.push(...(await measured(filter, context, { exportal, floor, dutiful, plain })))
  return rows
}

async function measured(
  filter: Filter,
  context: Context,
  { exportal, floor, dutiful, plain }: Record<'exportal' | 'floor' | 'dutiful' | 'plain', Runtime>,
): Promise<Row[]> {
  const { name, query, where, values } = filter
  const { authorization: headers, dutifulAuthorization } = context.contenders
  const path = `/api/jobs?limit=20${query}`
  const best = { query: `SELECT ${COLUMNS} FROM export_jobs ${where && `WHERE ${where}`} ${ORDER}`, values }
  const turn = (who: string, runtime: Runtime, request: Buffer) => ({
    name: who,
    run: () =>
      loadTurn(runtime, {
        connections: 1,
        ms: context.sliceMs / (context.quick ? 4 : 2),
        request: () => request,
        expect: 200,
      }),
  })
  const figures = await takeTurns(
    [
      turn('exportal', exportal, requestBytes('GET', path, headers)),
      turn('floor', floor, requestBytes('POST', '/list', {}, best)),
      turn('dutiful', dutiful, requestBytes('POST', '/dutiful-list', dutifulAuthorization, ownQuery(filter))),
      turn('plain', plain, requestBytes('GET', path, headers)),
    ],
    context.rounds,
  )
  const series = figures.p50 ?? []
  const target = { sense: 'at most', value: 1.3, base: 'floor' } as const
  return [{ measure: `list of 20 by ${name}`, figure: 'p50', unit: 'ms', series, target }]
}

/** The service's query, with all columns of a job in the list. */
function ownQuery({ filters }: Filter) {
  const { sql, values } = pageQuery(`${COLUMNS}, ${MORE_COLUMNS}`, { ...NO_FILTERS, ...filters }, null, 21)
  return { query: sql, values }
}

/**
 * Creation time of the first row: later than the rows of other measures, so that all contenders return the same ones.
 */
const BORN_AT = Date.UTC(2090, 0, 1)

/** Inserts a year of jobs: a hundred projects, four types, one in twenty failed. */
async function fill(runtime: Runtime, count: number): Promise<void> {
  for (let from = 0; from < count; from += AT_ONCE) {
    await runtime.sql(
      `WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1 + ${AT_ONCE})
       INSERT INTO export_jobs (id, project_id, type, status, progress, input_video_key, params, max_attempts,
         request_hash, version, created_at, finished_at, mirrored_at)
       SELECT printf('00000000-0000-7000-8000-%012d', i), 1 + i % 100,
         CASE i % 4 WHEN 0 THEN 'overlay' WHEN 1 THEN 'trim' WHEN 2 THEN 'crop' ELSE 'transcode' END,
         CASE WHEN i % 20 = 3 THEN 'error' WHEN i % 33 = 4 THEN 'cancelled' ELSE 'complete' END,
         100, printf('input/%d.mp4', i), '{"items":[]}', 3, 'hash', 9, ${BORN_AT} + i * 150000,
         ${BORN_AT} + i * 150000 + 90000, ${BORN_AT} + i * 150000 + 90000 FROM n`,
      from,
    )
  }
}

/** The cost of a page of the list: it reads the rows shown, through an index, with any filter. */
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, it } from 'vitest'
import type { JobRow } from '../../../actors/export-job/effects/job-columns.ts'
import {
  endOfWalkQuery,
  idQuery,
  isTested,
  type ListFilters,
  MAX_SCANNED,
  NO_FILTERS,
  pageQuery,
  type Query,
  stretchesOf,
} from '../../../src/d1/list-query.ts'
import { bodyOf, api as call, useHttpWorld } from '../../support/workerd/http.ts'

useHttpWorld()

const PROJECT = 77
const JOBS = 2_100
const T = Date.UTC(2090, 0, 1)

const filtersOf = (over: Partial<ListFilters> = {}): ListFilters => ({ ...NO_FILTERS, ...over })

const run = ({ sql, values }: Query) =>
  env.DB.prepare(sql)
    .bind(...values)
    .all<JobRow>()

const CASES: [string, Partial<ListFilters>][] = [
  ['everything', {}],
  ['a project', { projectId: PROJECT }],
  ['a status', { statuses: ['complete'] }],
  ['two statuses of a project', { projectId: PROJECT, statuses: ['complete', 'error'] }],
  ['five statuses', { statuses: ['complete', 'error', 'queued', 'pending', 'cancelled'] }],
  ['a time', { createdAfter: T + 100, createdBefore: T + 1_000_000 }],
  ['a time of a project', { projectId: PROJECT, createdBefore: T + 1_000_000, createdAfter: T }],
  ['a type', { type: 'crop' }],
  ['a tag', { tag: 'rare' }],
  ['an error code', { statuses: ['error'], errorCode: 'stalled' }],
  ['what waits', { waiting: true }],
  ['what waits in a project for an endpoint', { waiting: true, projectId: PROJECT, endpoint: 'h100' }],
  ['type and tag of a project', { projectId: PROJECT, type: 'trim', tag: 'rare' }],
]

/** Half of them complete; every thousandth and the oldest a crop. */
beforeAll(async () => {
  const insert = `INSERT INTO export_jobs (id, project_id, type, status, input_video_key, params, tags, max_attempts,
      request_hash, created_at, mirrored_at)
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${JOBS - 1})
    SELECT printf('0192f000-0000-7000-8000-%012x', i), CASE WHEN i % 2 THEN ${PROJECT} ELSE 78 END,
      CASE WHEN i = 0 THEN 'crop' ELSE 'overlay' END, CASE WHEN i % 4 < 2 THEN 'complete' ELSE 'error' END,
      'input/a.mp4', '{}', '[]', 3, 'hash', ${T} + i * 1000, ${T} FROM n`
  await env.DB.prepare(insert).run()
})

describe.each(CASES)('a page of %s', (_name, over) => {
  const filters = filtersOf(over)
  const position = { createdAt: T + 900_000, id: '0192f000-0000-7000-8000-000000000001' }

  it.each([
    ['first', null],
    ['later', position],
  ] as const)('walks indices in order and sorts nothing (%s page)', async (_which, after) => {
    for (const [query, rowsByKey] of [
      [pageQuery('*', filters, after, 21), isTested(filters) ? 1 : 0],
      [endOfWalkQuery(filters, after, MAX_SCANNED), 0],
    ] as const) {
      const plan = await env.DB.prepare(`EXPLAIN QUERY PLAN ${query.sql}`)
        .bind(...query.values)
        .all<{ detail: string }>()
      const steps = plan.results.map(({ detail }) => detail)
      const index = `export_jobs_by_${filters.waiting ? 'waiting' : filters.projectId === null ? 'status' : 'project'}`
      // The index over waiting jobs contains only such jobs.
      const how = filters.waiting ? 'S(EARCH|CAN)' : 'SEARCH'
      const found = steps.filter((step) => step.includes('export_jobs '))
      const walks = found.filter((step) => !step.endsWith('USING PRIMARY KEY (id=?)'))
      expect(found.length - walks.length).toBe(rowsByKey)
      expect(walks).toHaveLength(stretchesOf(filters).length)
      for (const step of walks)
        expect(`${step} `).toMatch(new RegExp(`^${how} export_jobs USING .*INDEX ${index} `))
      expect(steps.filter((step) => step.includes('TEMP B-TREE'))).toEqual([])
    }
  })

  it('reads no more rows than it shows, or looks at', async () => {
    const { meta, results } = await run(pageQuery('*', filters, null, 21))
    const tested = isTested(filters)
    // Rows checked in the index and shown are read a second time, whole.
    const most = results.length + (tested ? MAX_SCANNED : 0)
    // One row of each range is read before the newest of them is known.
    expect(meta.rows_read).toBeLessThanOrEqual(most + filters.statuses.length)
  })
})

it('finds a job by the beginning of its id, reading no others', async () => {
  const { meta, results } = await run(idQuery('*', '0192f000-0000-7000-8000-00000000000', null, 20))
  expect(results.map(({ id }) => id.at(-1))).toEqual([...'fedcba9876543210'])
  expect(meta.rows_read).toBeLessThanOrEqual(17)
  const one = '/api/jobs?id=0192f000-0000-7000-8000-000000000007'
  expect(await bodyOf(await call(`${one}&status=cancelled`))).toMatchObject({
    jobs: [{ project_id: PROJECT }],
  })
  expect(await bodyOf(await call(`${one}&project_id=78`))).toMatchObject({ jobs: [] })
})

it('goes on where the walk ended when rare jobs fill no page, and finds them all', async () => {
  const pages: string[][] = []
  let cursor: string | null = null
  do {
    const more: string = cursor === null ? '' : `&cursor=${cursor}`
    const page: { jobs: { id: string }[]; next_cursor: string | null } = await bodyOf(
      await call(`/api/jobs?type=crop${more}`),
    )
    pages.push(page.jobs.map(({ id }) => id))
    cursor = page.next_cursor
  } while (cursor !== null)
  expect(pages).toEqual([[], [], ['0192f000-0000-7000-8000-000000000000']])
})

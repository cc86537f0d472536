import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Query } from '../../../src/d1/list-query.ts'
import { activeQuery, cutQuery, groupsQuery, MAX_ENDED, secondsQuery } from '../../../src/d1/stats-query.ts'
import type { Statistics } from '../../../wire/admin.ts'
import { HOUR, T0 } from '../../support/workerd/clock.ts'
import { insertEndedJobs } from '../../support/workerd/ended-jobs.ts'
import { api, apiWith, bodyOf, post, problemOf, useHttpWorld } from '../../support/workerd/http.ts'

useHttpWorld()

const JOBS = 1_000
const span = { from: T0 - 24 * HOUR, until: T0 }

/** A job a minute, so that the window of a day contains all of them, and that of one hour only sixty. */
beforeAll(() => insertEndedJobs(JOBS, T0, 60_000))

const statsOf = async (query = ''): Promise<Statistics> => bodyOf(await api(`/api/admin/stats${query}`))

describe('the figures of a day', () => {
  it('count ended jobs by outcome, type, hour, code and attempts', async () => {
    const { ended, per_hour, error_codes, attempts, gpu_seconds, wasted_seconds, webhooks } = await statsOf()
    expect(ended).toEqual({
      jobs: JOBS,
      cut: false,
      most: MAX_ENDED,
      by_status: { complete: 700, error: 200, cancelled: 100 },
      by_type: {
        overlay: { complete: 500, error: 150, cancelled: 100 },
        trim: { complete: 200, error: 50 },
      },
    })
    expect(per_hour).toHaveLength(25)
    expect(per_hour.at(-1)).toEqual({ hour: new Date(T0).toISOString(), complete: 1, error: 0, cancelled: 0 })
    expect(per_hour.at(-2)).toMatchObject({ complete: 42, error: 12, cancelled: 6 })
    expect(per_hour[0]).toMatchObject({ complete: 0, error: 0, cancelled: 0 })
    expect(error_codes).toEqual([
      { code: 'stalled', jobs: 100 },
      { code: 'worker_error', jobs: 100 },
    ])
    expect(attempts).toEqual([
      { attempts: 1, jobs: 900 },
      { attempts: 2, jobs: 100 },
    ])
    expect({ gpu_seconds, wasted_seconds }).toEqual({ gpu_seconds: 10_000, wasted_seconds: 3_000 })
    expect(webhooks).toEqual({ taken: 500, failed: 100, success: 500 / 600 })
  })

  it('show the size of the database beside its limit', async () => {
    const { database } = await statsOf()
    const { meta } = await env.DB.prepare('SELECT 1').run()
    expect(database).toEqual({ bytes: meta.size_after, limit_bytes: 10_000_000_000, nearly_full: false })
    expect(database.bytes).toBeGreaterThan(JOBS * 100)
  })

  it('tell nearest-rank percentiles of waiting, running and both', async () => {
    const { seconds } = await statsOf()
    expect(seconds).toEqual({
      queue: { jobs: JOBS, p50: 49, p90: 89, p99: 98 },
      run: { jobs: JOBS, p50: 10, p90: 10, p99: 10 },
      total: { jobs: JOBS, p50: 59, p90: 99, p99: 108 },
    })
  })

  it('set RunPod’s own beside them, or null when it does not answer', async () => {
    // Of both endpoints together.
    expect((await statsOf()).runpod).toEqual({
      in_queue: 0,
      workers: { idle: 2, running: 0, throttled: 0, initializing: 0, unhealthy: 0 },
    })
    const without = await apiWith({ RUNPOD_ENDPOINT: '' }, '/api/admin/stats')
    expect((await bodyOf<{ runpod: unknown }>(without)).runpod).toBeNull()
  })

  it('have a price when the deployment knows one', async () => {
    const priced = await apiWith({ GPU_PRICE_PER_SECOND: '0.001' }, '/api/admin/stats')
    expect(await bodyOf(priced)).toMatchObject({ cost: 10, wasted_cost: 3 })
    expect(await statsOf()).toMatchObject({ cost: null, wasted_cost: null })
  })

  it('are priced by endpoint, and not at all while one price is missing', async () => {
    const price = (default_: number, h100?: number) =>
      JSON.stringify({
        default: { url: 'https://runpod.test/v2/ep', price_per_second: default_ },
        ...(h100 && { h100: { url: 'https://runpod.test/v2/h100', price_per_second: h100 } }),
      })
    const priced = async (table: string) =>
      bodyOf(await apiWith({ RUNPOD_ENDPOINTS: table }, '/api/admin/stats'))
    await env.DB.exec("UPDATE export_jobs SET endpoint = 'h100' WHERE status = 'error'")
    const { results } = await env.DB.prepare(
      'SELECT endpoint, SUM(gpu_seconds) AS s FROM export_jobs WHERE finished_at IS NOT NULL GROUP BY 1 ORDER BY 1',
    ).all<{ endpoint: string; s: number }>()
    const [atDefault, atH100] = results.map(({ s }) => s)
    expect(await priced(price(0.001, 0.01))).toMatchObject({
      cost: (atDefault ?? 0) * 0.001 + (atH100 ?? 0) * 0.01,
    })
    expect(await priced(price(0.001))).toMatchObject({ cost: null, wasted_cost: null })
    await env.DB.exec("UPDATE export_jobs SET endpoint = 'default'")
  })

  it('count what is unfinished now', async () => {
    await post('/api/jobs', {
      project_id: 1,
      type: 'overlay',
      input_video_key: 'input/a/clip.mp4',
      params: {},
    })
    expect((await statsOf()).active).toEqual({ pending: 1 })
  })
})

it('another window counts its own jobs alone', async () => {
  const { window, ended, per_hour } = await statsOf('?window=1h')
  expect(window).toMatchObject({ seconds: 3600, until: new Date(T0).toISOString() })
  expect(ended.jobs).toBe(60)
  expect(per_hour).toHaveLength(2)
  for (const wrong of ['0h', '32d', 'day', '-1h'])
    await problemOf(await api(`/api/admin/stats?window=${wrong}`), 400, 'validation_failed')
})

describe('each query', () => {
  const QUERIES: [string, Query, string][] = [
    ['of groups', groupsQuery(span), 'export_jobs_by_end'],
    ['of seconds', secondsQuery(span), 'export_jobs_by_end'],
    ['of the cut', cutQuery(span), 'export_jobs_by_end'],
  ]

  it.each(QUERIES)(
    '%s reads one stretch of an index, and no row of the table',
    async (_name, { sql, values }, index) => {
      const plan = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .bind(...values)
        .all<{ detail: string }>()
      const reads = plan.results.map(({ detail }) => detail).filter((step) => step.includes('export_jobs'))
      expect(reads).toHaveLength(1)
      expect(reads[0]).toMatch(new RegExp(`^SEARCH export_jobs USING COVERING INDEX ${index} `))
    },
  )

  it('of what is active reads the rows that are under way, and no other', async () => {
    const { meta, results } = await env.DB.prepare(activeQuery().sql).all()
    expect(results).toEqual([{ status: 'pending', jobs: 1 }])
    expect(meta.rows_read).toBeLessThan(10)
  })

  it('reads nothing from before its window', async () => {
    const { sql, values } = groupsQuery({ from: T0 - HOUR, until: T0 })
    const { meta } = await env.DB.prepare(sql)
      .bind(...values)
      .all()
    // Sixty entries of the index, and their aggregation, stored once and grouped once.
    expect(meta.rows_read).toBeLessThanOrEqual(3 * 61)
  })
})

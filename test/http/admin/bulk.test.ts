import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import type { BulkDone } from '../../../wire/admin.ts'
import { T0 } from '../../support/workerd/clock.ts'
import { counted } from '../../support/workerd/counted-db.ts'
import { insertEndedJobs } from '../../support/workerd/ended-jobs.ts'
import { api, apiWith, bodyOf, createJob, post, problemOf, useHttpWorld } from '../../support/workerd/http.ts'
import { bearer, tokenOf } from '../../support/workerd/tokens.ts'

useHttpWorld()

beforeEach(() => env.DB.exec("DELETE FROM export_jobs WHERE id <> 'sweep'"))

const job = (over: object = {}) => ({
  project_id: 1,
  type: 'trim',
  input_video_key: 'input/a/clip.mp4',
  params: { start_seconds: 1, end_seconds: 2 },
  ...over,
})
const ask = async (body: object, headers: Record<string, string> = {}) =>
  bodyOf<BulkDone>(await post('/api/admin/jobs/actions', { reason: 'It is over.', ...body }, headers))
const statusOf = async (id: string) => (await bodyOf<{ status: string }>(await api(`/api/jobs/${id}`))).status
const unknown = (nth: number) => `0192f000-0000-7000-8000-${String(nth).padStart(12, '0')}`
const create = async (over: object = {}) => (await createJob(job(over))).job_id

describe('POST /api/admin/jobs/actions', () => {
  it('of 1,200 jobs cancels the 7 old ones that are under way, and says so before', async () => {
    const ids = await Promise.all(Array.from({ length: 7 }, () => create()))
    // Older than all jobs that have ended since.
    await env.DB.exec("UPDATE export_jobs SET created_at = 1000 WHERE id <> 'sweep'")
    await insertEndedJobs(1_193, T0, 60_000)
    const wanted = { action: 'cancel', filter: { created_before: '2099-12-31T23:59:59Z' } }
    expect(await ask({ ...wanted, dry_run: true })).toMatchObject({ done: 0, left: 7 })
    expect(await Promise.all(ids.map(statusOf))).toEqual(ids.map(() => 'pending'))
    expect(await ask(wanted)).toEqual({ action: 'cancel', done: 7, refused: [], left: 0, cursor: null })
    expect(await Promise.all(ids.map(statusOf))).toEqual(ids.map(() => 'cancelled'))
  })

  it('takes at most 200 a call, says how many are left, and goes on behind them', {
    timeout: 120_000,
  }, async () => {
    await insertEndedJobs(360, T0, 60_000)
    // Rows without actors: each is refused, or deleted, by the content of its row.
    await env.DB.exec('UPDATE export_jobs SET archived = 1 WHERE finished_at IS NOT NULL')
    const wanted = { action: 'delete', filter: { status: ['complete'] } }
    expect(await ask({ ...wanted, dry_run: true })).toMatchObject({ left: 252 })
    const { db, sent } = counted(env.DB)
    const body = JSON.stringify({ ...wanted, reason: 'It is over.' })
    const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body }
    const first = await bodyOf<BulkDone>(await apiWith({ DB: db }, '/api/admin/jobs/actions', init))
    expect(first).toMatchObject({ done: 200, refused: [], left: 52 })
    // D1 accepts 1,000 in one invocation.
    expect(sent()).toBeLessThan(300)
    const last = await ask({ ...wanted, cursor: first.cursor })
    expect(last).toEqual({ action: 'delete', done: 52, refused: [], left: 0, cursor: null })
    const { results } = await env.DB.prepare(
      "SELECT status, COUNT(*) AS jobs FROM export_jobs WHERE id <> 'sweep' GROUP BY 1 ORDER BY 1",
    ).all()
    expect(results).toEqual([
      { status: 'cancelled', jobs: 36 },
      { status: 'error', jobs: 72 },
    ])
  })

  it('lists every retired job as refused, within what D1 accepts of one call', {
    timeout: 120_000,
  }, async () => {
    await insertEndedJobs(700, T0, 60_000)
    await env.DB.exec('UPDATE export_jobs SET archived = 1 WHERE finished_at IS NOT NULL')
    const { db, sent } = counted(env.DB)
    const body = JSON.stringify({ action: 'retry_now', reason: 'Again.', filter: {} })
    const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body }
    const bindings = { DB: db, MAX_ACTIVE_JOBS_PER_PROJECT: '1000' }
    const answer = await apiWith(bindings, '/api/admin/jobs/actions', init)
    const { done, refused } = await bodyOf<BulkDone>(answer)
    expect({ done, refused: refused.length }).toEqual({ done: 0, refused: 200 })
    expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(['archived']))
    expect(sent()).toBeLessThan(500)
  })

  it('counts and reaches those that lie behind any number of others', { timeout: 120_000 }, async () => {
    await insertEndedJobs(20_600, T0, 1_000)
    await env.DB.exec('UPDATE export_jobs SET archived = 1 WHERE finished_at IS NOT NULL')
    const tag = (which: string) =>
      env.DB.exec(`UPDATE export_jobs SET tags = '["rare"]' WHERE id IN (${which})`)
    await tag('SELECT id FROM export_jobs WHERE finished_at IS NOT NULL ORDER BY created_at LIMIT 2')
    const wanted = { action: 'delete', filter: { tag: 'rare' } }
    expect(await ask({ ...wanted, dry_run: true })).toMatchObject({ left: 2 })
    await tag('SELECT id FROM export_jobs WHERE finished_at IS NOT NULL ORDER BY created_at DESC LIMIT 200')
    const first = await ask(wanted)
    expect(first).toMatchObject({ done: 200, left: 2 })
    expect(await ask({ ...wanted, cursor: first.cursor })).toMatchObject({ done: 2, left: 0, cursor: null })
  })

  it('finds by type, tag, code and project, and touches nothing where the action changes nothing', async () => {
    const [tagged, other] = [await create({ tags: ['spring'] }), await create({ project_id: 2 })]
    const left = async (filter: object, action = 'cancel') =>
      (await ask({ action, filter, dry_run: true })).left
    expect(await left({})).toBe(2)
    expect(await left({ tag: 'spring' })).toBe(1)
    expect(await left({ type: 'trim' })).toBe(2)
    expect(await left({ type: 'overlay' })).toBe(0)
    expect(await left({ project_id: 2 })).toBe(1)
    expect(await left({ status: ['complete'] })).toBe(0)
    expect(await left({}, 'delete')).toBe(0)
    await ask({ action: 'cancel', filter: { tag: 'spring' } })
    expect(await Promise.all([tagged, other].map(statusOf))).toEqual(['cancelled', 'pending'])
    const { events } = await bodyOf<{ events: { type: string; data: object }[] }>(
      await api(`/api/jobs/${tagged}/events`),
    )
    expect(events).toContainEqual(
      expect.objectContaining({
        type: 'cancel_requested',
        data: { by: 'development', reason: 'It is over.' },
      }),
    )
  })

  it('acts on those that are named, as far as the rest of the filter lets them through', async () => {
    const [one, two, foreign] = [
      await create({ metadata: { name: 'Spring film' } }),
      await create(),
      await create({ project_id: 2 }),
    ]
    const other = await create()
    const named = { action: 'cancel', filter: { ids: [one, two, foreign, unknown(0)] } }
    expect((await ask({ ...named, dry_run: true })).left).toBe(3)
    const left = async (filter: object) =>
      (await ask({ action: 'cancel', filter: { ...named.filter, ...filter }, dry_run: true })).left
    expect(await left({ name: 'spring' })).toBe(1)
    expect(await left({ project_id: 2 })).toBe(1)
    expect(await left({ status: ['processing'] })).toBe(0)
    expect(await left({ created_before: '1990-01-01T00:00:00Z' })).toBe(0)
    const own = bearer(await tokenOf({ projectId: 1 }))
    expect(await ask(named, own)).toEqual({ action: 'cancel', done: 2, refused: [], left: 0, cursor: null })
    expect(await Promise.all([one, two, foreign, other].map(statusOf))).toEqual([
      'cancelled',
      'cancelled',
      'pending',
      'pending',
    ])
    const many = Array.from({ length: 201 }, (_, nth) => unknown(nth))
    const refused = await post('/api/admin/jobs/actions', {
      action: 'cancel',
      reason: 'x',
      filter: { ids: many },
    })
    expect((await problemOf(refused, 400)).errors?.[0]?.pointer).toBe('/filter/ids')
  })

  it('lists what a job refuses, and goes on', async () => {
    const ids = [await create(), await create()]
    await post(`/api/jobs/${ids[0]}/cancel`, {})
    // The list is out of date: according to it both are under way.
    const done = await ask({ action: 'force_fail', filter: {} })
    expect(done).toMatchObject({ done: 1, refused: [{ job_id: ids[0], code: 'job_cancelled' }] })
  })

  it('stays within the project of its token, and keeps foreign pages out', async () => {
    const id = await create({ project_id: 2 })
    const own = bearer(await tokenOf({ projectId: 1 }))
    expect(await ask({ action: 'cancel', filter: {} }, own)).toMatchObject({ done: 0, left: 0 })
    expect(await ask({ action: 'cancel', filter: { project_id: 2 } }, own)).toMatchObject({ done: 0 })
    expect(await statusOf(id)).toBe('pending')
    const foreign = { 'Sec-Fetch-Site': 'same-site', 'Accept-Language': '*' }
    const body = { action: 'cancel', reason: 'x', filter: {} }
    await problemOf(await post('/api/admin/jobs/actions', body, foreign), 403, 'cross_origin')
  })

  it('refuses a cursor of another filter', async () => {
    const cursor = 'bm9uZQ'
    const answer = await post('/api/admin/jobs/actions', {
      action: 'cancel',
      reason: 'x',
      filter: {},
      cursor,
    })
    expect((await problemOf(answer, 400)).errors?.[0]?.pointer).toBe('/cursor')
  })
})

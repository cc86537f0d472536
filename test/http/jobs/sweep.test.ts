import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import { MIRROR_SPACING_MS } from '../../../actors/export-job/core/policy.ts'
import { SWEEP_LIMITS, sweep } from '../../../src/d1/sweep.ts'
import type { Env } from '../../../src/env.ts'
import { newId } from '../../../src/jobs/ids.ts'
import { aCreatedJob, actor, aRequest, FakeRunpod } from '../../support/workerd/actors.ts'
import { MINUTE, pass, useFarFutureClock } from '../../support/workerd/clock.ts'
import { counted } from '../../support/workerd/counted-db.ts'
import { api, bindings, bodyOf } from '../../support/workerd/http.ts'
import { birthRow } from '../../support/workerd/rows.ts'

useFarFutureClock()

const DAY = 24 * 60 * MINUTE

async function row(id: string) {
  return env.DB.prepare('SELECT status, error_code, version, due_at, archived FROM export_jobs WHERE id = ?')
    .bind(id)
    .first()
}

describe('the sweep', () => {
  it('revives a job whose alarm was lost', async () => {
    const runpod = new FakeRunpod().install()
    const job = await aCreatedJob()
    await birthRow(job.id)
    await runInDurableObject(job.stub, (_instance, state) => state.storage.deleteAlarm())
    expect(await job.alarmAt()).toBeNull()
    pass(6 * MINUTE)
    expect((await sweep(env, Date.now())).healed).toBeGreaterThanOrEqual(1)
    expect(await job.alarmAt()).not.toBeNull()
    await job.ring()
    expect(runpod.count('/run')).toBe(1)
    pass(MIRROR_SPACING_MS)
    await job.ring()
    expect(await row(job.id)).toMatchObject({ status: 'queued' })
  })

  it('leaves rows alone that are not overdue', async () => {
    new FakeRunpod().install()
    const id = crypto.randomUUID()
    await birthRow(id)
    pass(4 * MINUTE)
    await sweep(env, Date.now())
    expect(await row(id)).toMatchObject({ status: 'pending', version: 0 })
  })

  it('closes a row whose job was never accepted, and a later mirror still wins', async () => {
    new FakeRunpod().install()
    const request = aRequest()
    await env.VIDEOS.put(request.inputVideoKey, 'video')
    await birthRow(request.id)
    pass(6 * MINUTE)
    await sweep(env, Date.now())
    expect(await row(request.id)).toMatchObject({
      status: 'error',
      error_code: 'not_accepted',
      version: 0,
      due_at: Date.now() + 7 * DAY,
    })

    const late = actor(request.id)
    await late.stub.create(request)
    await late.ring()
    pass(16_000)
    await late.ring()
    expect(await row(request.id)).toMatchObject({ status: 'queued', error_code: null })
  })

  it('a row that it closed is shown, and can be deleted', async () => {
    new FakeRunpod().install()
    const [shown, deleted] = [newId(), newId()]
    for (const id of [shown, deleted]) await birthRow(id)
    pass(6 * MINUTE)
    await sweep(env, Date.now())
    expect(await bodyOf(await api(`/api/jobs/${shown}`))).toMatchObject({
      status: 'error',
      error: { code: 'not_accepted', message: expect.stringContaining('send it again') },
    })
    expect((await api(`/api/jobs/${deleted}`, { method: 'DELETE' })).status).toBe(200)
    expect(await row(deleted)).toBeNull()
  })

  it('takes the oldest rows first, says when it left some, and comes back to them', async () => {
    new FakeRunpod().install()
    await env.DB.prepare('DELETE FROM export_jobs').run()
    const ids = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()]
    for (const id of ids) {
      await birthRow(id)
      pass(1_000)
    }
    pass(6 * MINUTE)
    const limits = { ...SWEEP_LIMITS, rows: 2 }
    expect(await sweep(env, Date.now(), limits)).toMatchObject({ closed: 2, left: true })
    expect(await Promise.all(ids.map(async (id) => (await row(id))?.status))).toEqual([
      'error',
      'error',
      'pending',
    ])
    expect(await sweep(env, Date.now(), limits)).toMatchObject({ closed: 1, left: false })
    expect(SWEEP_LIMITS.rows).toBe(1_000)
  })

  it('retires a row that it closed after the standard retention, and its input is unused then', async () => {
    new FakeRunpod().install()
    const id = newId()
    await birthRow(id)
    pass(6 * MINUTE)
    await sweep(env, Date.now())
    pass(7 * DAY + 6 * MINUTE)
    await sweep(env, Date.now())
    expect(await row(id)).toMatchObject({ status: 'error', archived: 1, due_at: null })
  })

  it('comes to every overdue row, however many before it fail for good', async () => {
    new FakeRunpod().install()
    await env.DB.prepare("DELETE FROM export_jobs WHERE status <> 'sweep'").run()
    const ids = Array.from({ length: 5 }, () => crypto.randomUUID())
    for (const id of ids) await birthRow(id)
    pass(6 * MINUTE)
    const unreachable = ids.toSorted().slice(0, 4)
    const world: Env = {
      ...bindings(),
      EXPORT_JOB: new Proxy(env.EXPORT_JOB, {
        get: (target, name) =>
          name === 'getByName'
            ? (id: string) => {
                if (unreachable.includes(id)) throw new Error('out of order')
                return target.getByName(id)
              }
            : Reflect.get(target, name),
      }),
    }
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const limits = { ...SWEEP_LIMITS, rows: 2 }
    const runs = [1, 2, 3, 4].map(() => () => sweep(world, Date.now(), limits))
    const reports = []
    for (const run of runs) reports.push(await run())
    expect(reports.map(({ failed, closed, left }) => ({ failed, closed, left }))).toEqual([
      { failed: 2, closed: 0, left: true },
      { failed: 2, closed: 0, left: true },
      { failed: 0, closed: 1, left: false },
      { failed: 2, closed: 0, left: true },
    ])
  })

  it('repairs a row that was lost', async () => {
    new FakeRunpod().install()
    const job = await aCreatedJob()
    await job.ring()
    await job.stub.revive()
    pass(20_000)
    await job.ring()
    expect(await row(job.id)).toMatchObject({ status: 'queued' })
  })
})

describe('A run of the sweep', () => {
  it('sends few statements, however much there is to do', async () => {
    new FakeRunpod().install()
    await sweep(env, Date.now())
    await env.DB.batch([
      env.DB.prepare("UPDATE export_jobs SET created_at = 0 WHERE id = 'sweep'"),
      env.DB.prepare('DELETE FROM sweep_cursors'),
    ])
    const ids = Array.from({ length: 60 }, () => newId())
    for (const id of ids) await birthRow(id)
    const keys = ids.map((id) => `input/${id}/unused.mp4`)
    for (const key of keys) await env.VIDEOS.put(key, 'x', { customMetadata: { project: '1' } })
    vi.setSystemTime(Date.now() + 30 * DAY)
    const { db, sent } = counted(env.DB)
    const report = await sweep({ ...bindings(), DB: db }, Date.now())
    expect(report).toMatchObject({ broken: [] })
    expect(report.closed).toBeGreaterThanOrEqual(ids.length)
    expect(await row(ids[0] ?? '')).toMatchObject({ status: 'error', error_code: 'not_accepted' })
    const noted = await env.DB.prepare('SELECT COUNT(*) AS n FROM unused_uploads').first<number>('n')
    expect(noted).toBeGreaterThanOrEqual(keys.length)
    expect(sent()).toBeLessThan(25)
  })
})

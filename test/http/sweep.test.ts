import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import { newId } from '../../src/ids.ts'
import { SWEEP_LIMITS, sweep } from '../../src/sweep.ts'
import {
  aCreatedJob,
  actor,
  aRequest,
  FakeRunpod,
  MINUTE,
  pass,
  useFarFutureClock,
} from '../actor/support.ts'
import { api, bodyOf } from '../support/workerd/http.ts'

useFarFutureClock()

const DAY = 24 * 60 * MINUTE

async function birthRow(id: string, input = `input/${id}/clip.mp4`): Promise<void> {
  const columns =
    'id, project_id, type, status, input_video_key, params, max_attempts, request_hash, created_at, due_at, mirrored_at'
  await env.DB.prepare(
    `INSERT INTO export_jobs (${columns}) VALUES (?, 1, 'overlay', 'pending', ?, '{}', 3, 'hash', ?, ?, ?)`,
  )
    .bind(id, input, Date.now(), Date.now(), Date.now())
    .run()
}

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
      due_at: null,
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

  it('goes over the uploads bit by bit, from run to run', async () => {
    new FakeRunpod().install()
    const { objects } = await env.VIDEOS.list({ prefix: 'input/' })
    await env.VIDEOS.delete(objects.map(({ key }) => key))
    const keys = Array.from({ length: 3 }, () => `input/${crypto.randomUUID()}/unused.mp4`)
    for (const key of keys) await env.VIDEOS.put(key, 'x')
    const removed: number[] = []
    for (let run = 0; run < 2; run++) {
      removed.push((await sweep(env, Date.now(), { ...SWEEP_LIMITS, objects: 2 })).removed)
    }
    expect(removed).toEqual([2, 1])
  })

  it('repairs a row that was lost', async () => {
    new FakeRunpod().install()
    const job = await aCreatedJob()
    await job.ring()
    await job.stub.heal()
    pass(20_000)
    await job.ring()
    expect(await row(job.id)).toMatchObject({ status: 'queued' })
  })

  it('removes uploads older than seven days that no job names', async () => {
    new FakeRunpod().install()
    vi.setSystemTime(Date.now())
    const used = `input/${crypto.randomUUID()}/used.mp4`
    const asset = `input/${crypto.randomUUID()}/logo.png`
    const unused = `input/${crypto.randomUUID()}/unused.mp4`
    for (const key of [used, asset, unused]) await env.VIDEOS.put(key, 'x')
    const job = crypto.randomUUID()
    const left = `input/${crypto.randomUUID()}/left.png`
    await env.VIDEOS.put(left, 'x')
    await birthRow(job, used)
    const names = env.DB.prepare('INSERT INTO export_job_assets VALUES (?, ?)')
    await env.DB.batch([names.bind(asset, job), names.bind(left, 'a job that is no more')])
    await actor(job).stub.create(aRequest({ id: job, inputVideoKey: used, assets: [asset] }))
    const uploadedAt = (await env.VIDEOS.head(unused))?.uploaded.getTime() ?? 0
    await sweep(env, uploadedAt + 6 * DAY)
    expect(await env.VIDEOS.head(unused)).not.toBeNull()
    await sweep(env, uploadedAt + 8 * DAY)
    expect(await env.VIDEOS.head(unused)).toBeNull()
    expect(await env.VIDEOS.head(used)).not.toBeNull()
    expect(await env.VIDEOS.head(asset)).not.toBeNull()
    expect(await env.VIDEOS.head(left)).toBeNull()
    const { results } = await env.DB.prepare('SELECT * FROM export_job_assets WHERE asset_key = ?')
      .bind(left)
      .all()
    expect(results).toEqual([])
  })
})

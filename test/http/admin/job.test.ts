import { evictDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { JobStore } from '../../../actors/export-job/store.ts'
import { act, open } from '../../support/workerd/admin.ts'
import { T0 } from '../../support/workerd/clock.ts'
import {
  api,
  bodyOf,
  createJob,
  dispatchedJob,
  problemOf,
  retire,
  ring,
  useHttpWorld,
} from '../../support/workerd/http.ts'

const { runs } = useHttpWorld()

const column = (id: string, name: string, value: string | number) =>
  env.DB.prepare(`UPDATE export_jobs SET ${name} = ? WHERE id = ?`).bind(value, id).run()

describe('a job opened up', () => {
  it('shows the actor, its clocks, attempts and log, and its row beside it', async () => {
    const { id } = await dispatchedJob(runs)
    const { source, actor, log, mirror, drift } = await open(id)
    expect(source).toBe('actor')
    expect(actor).toMatchObject({
      status: 'queued',
      findings: [{ code: 'waiting_for_gpu' }],
      attempts: [{ attempt: 1, runpod_job_id: expect.stringMatching(/^rp-/), outcome: 'open' }],
      sockets: { count: 0, list: [] },
      line: { open: null, last_close: null },
      storage: { rows: 4, bytes: expect.any(Number) },
      wakes: 1,
      instances: 1,
    })
    expect(actor.clocks.map(({ name }) => name)).toEqual([
      'mirror',
      'queue_check',
      'queue_timeout',
      'deadline',
    ])
    expect(actor.alarm_at).toBe(actor.clocks[0]?.at)
    expect(log.events.map(({ type }) => type)).toEqual(['created', 'attempt_started', 'queued'])
    expect(mirror).toMatchObject({ row: { status: 'pending', finished_at: null }, age_seconds: 0 })
    expect(drift).toMatchObject({
      state: 'pending',
      columns: [{ name: 'status', actor: 'queued', row: 'pending' }],
    })
  })

  it('pages the log from either end, by type and by trouble', async () => {
    const { id } = await dispatchedJob(runs)
    const seqs = async (query: string) => (await open(id, query)).log.events.map(({ seq }) => seq)
    expect(await seqs('?limit=2')).toEqual([2, 3])
    expect(await seqs('?limit=2&before=3')).toEqual([1, 2])
    expect(await seqs('?limit=2&after=0')).toEqual([1, 2])
    expect(await seqs('?type=queued,created')).toEqual([1, 3])
    expect(await seqs('?errors=1')).toEqual([])
    await act(id, 'force_fail')
    expect((await open(id, '?errors=1')).log.events.map(({ type }) => type)).toEqual([
      'force_failed',
      'error',
    ])
    await problemOf(await api(`/api/admin/jobs/${id}?type=no%20type`), 400, 'validation_failed')
  })

  it('tells each watcher since when it listens and what it was last told', async () => {
    const { id } = await dispatchedJob(runs)
    const socket = await api(`/api/jobs/${id}/ws`, { headers: { Upgrade: 'websocket' } })
    socket.webSocket?.accept()
    const since = new Date(T0).toISOString()
    expect((await open(id)).actor.sockets).toEqual({ count: 1, list: [{ since, last_seq: 3 }] })
    await act(id, 'recheck')
    await evictDurableObject(env.EXPORT_JOB.getByName(id))
    expect((await open(id)).actor.sockets).toEqual({ count: 1, list: [{ since, last_seq: 4 }] })
    socket.webSocket?.close()
  })

  it('counts wakes and instances with the next commit, and never by a write of their own', async () => {
    const { id } = await dispatchedJob(runs)
    const stub = env.EXPORT_JOB.getByName(id)
    const commit = vi.spyOn(JobStore.prototype, 'commit')
    for (let i = 0; i < 3; i++) {
      await evictDurableObject(stub)
      expect((await open(id)).actor).toMatchObject({ wakes: 1, instances: 2 })
    }
    expect(commit).not.toHaveBeenCalled()
    await act(id, 'recheck')
    await evictDurableObject(stub)
    expect((await open(id)).actor).toMatchObject({ wakes: 1, instances: 3 })
  })

  it('is answered from the mirror without starting its actor', async () => {
    const { id } = await dispatchedJob(runs)
    await evictDurableObject(env.EXPORT_JOB.getByName(id))
    const started = vi.spyOn(JobStore.prototype, 'load')
    const opened = await open(id, '?from=mirror')
    expect(opened).toMatchObject({ source: 'mirror', actor: null, log: null, job: { id, status: 'pending' } })
    expect(started).not.toHaveBeenCalled()
    await open(id)
    expect(started).toHaveBeenCalledOnce()
  })

  it('is answered from its row once it was retired, and is 404 when nobody knows it', async () => {
    const { job_id: id } = await createJob()
    await act(id, 'cancel')
    await retire(id)
    expect(await open(id)).toMatchObject({ source: 'mirror', actor: null, job: { archived: true } })
    await problemOf(await act(id, 'recheck'), 409, 'archived')
    await problemOf(await api(`/api/admin/jobs/${crypto.randomUUID()}`), 404, 'job_not_found')
    await problemOf(await api('/api/admin/jobs/no-id?from=mirror'), 404, 'job_not_found')
  })

  it('is shown although D1 does not answer', async () => {
    const { job_id: id } = await createJob()
    vi.spyOn(env.DB, 'prepare').mockImplementation(() => {
      throw new Error('D1_ERROR: no')
    })
    expect(await open(id)).toMatchObject({ mirror: null, drift: { state: 'unreachable' }, job: { id } })
    await problemOf(await api(`/api/admin/jobs/${id}?from=mirror`), 503, 'list_unavailable')
  })

  it('downloads as one file without a secret in it', async () => {
    const webhook_url = 'https://hooks.example.com/in?key=hush'
    const metadata = {
      api_key: 'hush-2',
      note: 'Bearer hush-3',
      plain: 'stays',
      url: 'https://a.example/x?sig=hush4',
    }
    const { job_id: id } = await createJob({ webhook_url, metadata })
    const response = await api(`/api/admin/jobs/${id}?download`)
    expect(response.headers.get('Content-Disposition')).toBe(`attachment; filename="exportal-job-${id}.json"`)
    const text = await response.text()
    expect(text).not.toMatch(/hush/)
    expect(JSON.parse(text)).toMatchObject({
      job: { id, metadata: { plain: 'stays', url: 'https://a.example/x?…' } },
      actor: { webhook: { url: 'https://hooks.example.com/in?…' } },
      log: { events: [{ type: 'created' }] },
    })
  })
})

it('the list finds jobs by their error code', async () => {
  const { job_id: id } = await createJob({ project_id: 4711 })
  await createJob({ project_id: 4711 })
  await act(id, 'force_fail')
  await ring(id)
  const list = await bodyOf<{ jobs: { id: string }[] }>(
    await api('/api/jobs?project_id=4711&error_code=force_failed'),
  )
  expect(list.jobs.map((job) => job.id)).toEqual([id])
  expect(await bodyOf(await api('/api/jobs?project_id=4711&error_code=stalled'))).toMatchObject({ jobs: [] })
})

describe('drift', () => {
  let id = ''
  beforeEach(async () => {
    id = (await createJob()).job_id
    await act(id, 'cancel')
    await ring(id)
    expect((await open(id)).drift).toEqual({ state: 'none', columns: [] })
  })

  it('of a row that fell behind is shown, and repaired by writing the row again', async () => {
    await column(id, 'status', 'processing')
    await column(id, 'version', 1)
    expect((await open(id)).drift).toMatchObject({
      state: 'behind',
      columns: [{ name: 'version' }, { name: 'status', actor: 'cancelled', row: 'processing' }],
    })
    await bodyOf(await act(id, 'remirror'))
    await ring(id)
    expect((await open(id)).drift).toEqual({ state: 'none', columns: [] })
  })

  it('of a row that is gone is shown, and repaired', async () => {
    await env.DB.prepare('DELETE FROM export_jobs WHERE id = ?').bind(id).run()
    expect(await open(id)).toMatchObject({ mirror: null, drift: { state: 'missing' } })
    await bodyOf(await act(id, 'remirror'))
    await ring(id)
    expect((await open(id)).drift).toEqual({ state: 'none', columns: [] })
  })
})

import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import { sweep } from '../../../src/d1/sweep.ts'
import { HOUR, MINUTE, T0 } from '../../support/workerd/clock.ts'
import {
  api,
  apiWith,
  bindings,
  bodyOf,
  type Created,
  dispatchedJob,
  freshProject,
  jobBody,
  post,
  problemOf,
  retire,
  ring,
  tablesOf,
  useHttpWorld,
  WITHOUT_ACTORS,
} from '../../support/workerd/http.ts'

const world = useHttpWorld()

interface List {
  jobs: { id: string }[]
}

describe('Idempotency-Key', () => {
  it('answers a repeat with the same job, also while it moves on', async () => {
    const project_id = freshProject()
    const send = () => post('/api/jobs', jobBody({ project_id }), { 'Idempotency-Key': 'order-1' })
    const first = await bodyOf<Created>(await send(), 201)
    const again = await send()
    expect(again.headers.get('Idempotent-Replayed')).toBe('true')
    expect((await bodyOf<Created>(again, 201)).job_id).toBe(first.job_id)
    await post(`/api/jobs/${first.job_id}/cancel`, {})
    expect(await bodyOf<Created>(await send(), 201)).toMatchObject({
      job_id: first.job_id,
      status: 'cancelled',
    })
    const list = await bodyOf<List>(await api(`/api/jobs?project_id=${project_id}`))
    expect(list.jobs).toHaveLength(1)
  })

  it('tells a request with another priority from the same one, and 0 from none not', async () => {
    const project_id = freshProject()
    const send = (policy: object) =>
      post('/api/jobs', jobBody({ project_id, policy }), { 'Idempotency-Key': 'how-urgent' })
    expect((await send({ priority: 5 })).status).toBe(201)
    expect((await send({ priority: 5 })).status).toBe(201)
    expect((await send({ priority: -5 })).status).toBe(422)
    expect((await send({})).status).toBe(422)
    const plain = (policy: object) =>
      post('/api/jobs', jobBody({ project_id, policy }), { 'Idempotency-Key': 'not-urgent' })
    expect((await plain({})).status).toBe(201)
    expect((await plain({ priority: 0 })).status).toBe(201)
  })

  it('answers a repeat also when the endpoint that it names has left the settings', async () => {
    const body = JSON.stringify(jobBody({ project_id: freshProject(), policy: { endpoint: 'h100' } }))
    const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': 'on-h100' }
    const send = (url: string | null) => {
      const table = { default: { url: 'https://runpod.test/v2/ep' }, ...(url && { h100: { url } }) }
      const settings = { RUNPOD_ENDPOINTS: JSON.stringify(table) }
      return apiWith(settings, '/api/jobs', { method: 'POST', headers, body })
    }
    expect((await send(null)).status).toBe(400)
    const first = await bodyOf<Created>(await send('https://runpod.test/v2/h100'), 201)
    expect((await bodyOf<Created>(await send(null), 201)).job_id).toBe(first.job_id)
  })

  it('is the same request whatever the order of names and however defaults are spelled out', async () => {
    const project_id = freshProject()
    const headers = { 'Idempotency-Key': 'k' }
    const one = await bodyOf<Created>(await post('/api/jobs', jobBody({ project_id }), headers), 201)
    const other = {
      params: { items: [] },
      tags: [],
      type: 'overlay',
      input_video_key: 'input/a/clip.mp4',
      project_id,
    }
    expect((await bodyOf<Created>(await post('/api/jobs', other, headers), 201)).job_id).toBe(one.job_id)
  })

  it('refuses another request under the same key, and scopes keys by project', async () => {
    const headers = { 'Idempotency-Key': 'k' }
    const project_id = freshProject()
    const first = await bodyOf<Created>(await post('/api/jobs', jobBody({ project_id }), headers), 201)
    const reused = await post('/api/jobs', jobBody({ project_id, tags: ['x'] }), headers)
    await problemOf(reused, 422, 'idempotency_key_reused')
    const elsewhere = await post('/api/jobs', jobBody({ project_id: freshProject() }), headers)
    expect((await bodyOf<Created>(elsewhere, 201)).job_id).not.toBe(first.job_id)
  })

  it('makes one job, one row and one run out of fifty requests at once', async () => {
    const project_id = freshProject()
    const input_video_key = `input/${crypto.randomUUID()}/clip.mp4`
    await env.VIDEOS.put(input_video_key, 'video', { customMetadata: { project: String(project_id) } })
    const body = jobBody({ project_id, input_video_key })
    const send = () => post('/api/jobs', body, { 'Idempotency-Key': 'burst' })
    const answers = await Promise.all(Array.from({ length: 50 }, send))
    const ids = await Promise.all(answers.map(async (each) => (await bodyOf<Created>(each, 201)).job_id))
    expect(new Set(ids).size).toBe(1)
    expect(answers.filter((each) => !each.headers.has('Idempotent-Replayed'))).toHaveLength(1)
    const [id = ''] = ids
    await ring(id)
    await send()
    await ring(id)
    expect(world.runs.filter(({ input }) => input.job_id === id)).toHaveLength(1)
    expect((await bodyOf<List>(await api(`/api/jobs?project_id=${project_id}`))).jobs).toHaveLength(1)
    const { events } = await bodyOf<{ events: { type: string }[] }>(await api(`/api/jobs/${id}/events`))
    expect(events.map(({ type }) => type)).toEqual(['created', 'attempt_started', 'queued'])
  })

  it('answers 409 while the job under the key is being deleted, and leaves no row behind', async () => {
    const { id, run } = await dispatchedJob(world.runs)
    const row = await env.DB.prepare('SELECT input_video_key AS k FROM export_jobs WHERE id = ?')
      .bind(id)
      .first()
    expect(row?.k).toContain('clip.mp4')
    const project_id = freshProject()
    const send = () =>
      post('/api/jobs', jobBody({ project_id, input_video_key: row?.k }), { 'Idempotency-Key': 'gone' })
    const { job_id } = await bodyOf<Created>(await send(), 201)
    await post(`/api/jobs/${job_id}/cancel`, {})
    expect((await api(`/api/jobs/${job_id}`, { method: 'DELETE' })).status).toBe(200)
    const refused = await send()
    expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(0)
    await problemOf(refused, 409, 'job_deleting')
    expect((await bodyOf<List>(await api(`/api/jobs?project_id=${project_id}`))).jobs).toEqual([])
    expect(run.input.job_id).toBe(id)
  })

  it('remembers the images of the job that it made, and of no other body', async () => {
    const project_id = freshProject()
    const body = (image_key: string) =>
      jobBody({ project_id, params: { items: [{ type: 'image', image_key }] } })
    const headers = { 'Idempotency-Key': 'images' }
    const { job_id } = await bodyOf<Created>(await post('/api/jobs', body('input/i/one.png'), headers), 201)
    await problemOf(await post('/api/jobs', body('input/i/two.png'), headers), 422)
    const { results } = await env.DB.prepare('SELECT asset_key FROM export_job_assets WHERE job_id = ?')
      .bind(job_id)
      .all()
    expect(results).toEqual([{ asset_key: 'input/i/one.png' }])
  })

  it.each(['', 'x'.repeat(256)])('must have 1 to 255 characters', async (key) => {
    const problem = await problemOf(await post('/api/jobs', jobBody(), { 'Idempotency-Key': key }), 400)
    expect(problem.errors?.[0]?.pointer).toBe('/header/Idempotency-Key')
  })

  it('replays a retired job to its idempotency key, and does not start it again', async () => {
    const body = jobBody({ project_id: freshProject() })
    const headers = { 'Idempotency-Key': 'old' }
    const { job_id } = await bodyOf<Created>(await post('/api/jobs', body, headers), 201)
    await post(`/api/jobs/${job_id}/cancel`, {})
    await ring(job_id)
    await retire(job_id)
    const replay = await bodyOf<Created>(await post('/api/jobs', body, headers), 201)
    expect(replay).toMatchObject({ job_id, status: 'cancelled', job: { archived: true } })
    await problemOf(await post('/api/jobs', { ...body, tags: ['x'] }, headers), 422, 'idempotency_key_reused')
  })

  it.each([
    ['at once', 0],
    ['after the sweep has closed its row', 6 * MINUTE],
    ['after its deadline', 48 * HOUR],
    ['after its retention', 200 * HOUR],
  ])('makes the job of a request that was interrupted before it was accepted: %s', async (_, ms) => {
    const project_id = freshProject()
    const input_video_key = `input/${crypto.randomUUID()}/clip.mp4`
    await env.VIDEOS.put(input_video_key, 'video', { customMetadata: { project: String(project_id) } })
    const body = jobBody({ project_id, input_video_key })
    const send = (over = {}) =>
      apiWith(over, '/api/jobs', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Idempotency-Key': 'cut off' },
        body: JSON.stringify(body),
      })
    expect((await send(WITHOUT_ACTORS)).status).toBe(503)
    for (const at of [6 * MINUTE, 200 * HOUR].filter((each) => each <= ms)) {
      vi.setSystemTime(T0 + at)
      await sweep(bindings(), Date.now())
    }
    vi.setSystemTime(T0 + ms)
    const { job_id, status } = await bodyOf<Created>(await send(), 201)
    expect(status).toBe('pending')
    await ring(job_id)
    expect(await bodyOf(await api(`/api/jobs/${job_id}`))).toMatchObject({ status: 'queued', error: null })
    const { jobs } = await bodyOf<List>(await api(`/api/jobs?project_id=${project_id}`))
    const living = { status: 'pending', error: null, finished_at: null, archived: false }
    expect(jobs).toMatchObject([{ id: job_id, created_at: new Date(T0 + ms).toISOString(), ...living }])
  })

  it('replays a job that its actor has lost, and makes no second one', async () => {
    const project_id = freshProject()
    const body = JSON.stringify(jobBody({ project_id }))
    const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': 'lost' }
    const send = (over = {}) => apiWith(over, '/api/jobs', { method: 'POST', headers, body })
    expect((await send(WITHOUT_ACTORS)).status).toBe(503)
    // As in a list that was restored: the job was accepted, and its actor has erased it since.
    await env.DB.prepare('UPDATE export_jobs SET version = 7 WHERE project_id = ?').bind(project_id).run()
    vi.setSystemTime(T0 + 6 * MINUTE)
    await sweep(bindings(), Date.now())
    const again = await send()
    expect(again.headers.get('Idempotent-Replayed')).toBe('true')
    const { job_id, status, job } = await bodyOf<Created>(again, 201)
    expect({ status, code: job.error?.code }).toEqual({ status: 'error', code: 'actor_lost' })
    expect(await tablesOf(env.EXPORT_JOB.getByName(job_id))).toEqual([])
  })

  it('replays the job itself where a worker calls its error as the sweep does', async () => {
    const project_id = freshProject()
    const headers = { 'Idempotency-Key': 'forged' }
    const input_video_key = `input/${crypto.randomUUID()}/clip.mp4`
    await env.VIDEOS.put(input_video_key, 'video', { customMetadata: { project: String(project_id) } })
    const body = jobBody({ project_id, input_video_key })
    const { job_id } = await bodyOf<Created>(await post('/api/jobs', body, headers), 201)
    await ring(job_id)
    const token = world.runs.find(({ input }) => input.job_id === job_id)?.input.callback_token
    const report = { error: 'No.', code: 'actor_lost', should_retry: false }
    await post(`/api/jobs/${job_id}/do/error`, report, { Authorization: `Bearer ${token}` })
    await ring(job_id)
    await bodyOf(await api(`/api/jobs/${job_id}/retry`, { method: 'POST' }))
    const replay = await bodyOf<Created>(await post('/api/jobs', body, headers), 201)
    expect(replay).toMatchObject({ job_id, status: 'pending', job: { round: 2 } })
  })
})

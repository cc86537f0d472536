import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import { URL_WINDOW_MS } from '../../../actors/shared/signing.ts'
import type { JobJson } from '../../../wire/job.ts'
import { HOUR } from '../../support/workerd/clock.ts'
import {
  api,
  bodyOf,
  type Created,
  createJob,
  dispatchedJob,
  freshProject,
  jobBody,
  pathOf,
  post,
  problemOf,
  retire,
  ring,
  useHttpWorld,
} from '../../support/workerd/http.ts'

const world = useHttpWorld()

interface List {
  jobs: (Partial<JobJson> & { id: string; archived: boolean })[]
  next_cursor: string | null
}

describe('POST /api/jobs', () => {
  it('answers 201 with the job and where it is, and the list has it at once', async () => {
    const project_id = freshProject()
    const response = await post('/api/jobs', jobBody({ project_id }))
    const { job_id, ...created } = await bodyOf<Created>(response, 201)
    expect(response.headers.get('Location')).toBe(`/api/jobs/${job_id}`)
    expect(created).toMatchObject({
      status: 'pending',
      websocket_url: `/api/jobs/${job_id}/ws`,
      job: { id: job_id, project_id, type: 'overlay', status: 'pending', attempt: 0, version: 1 },
    })
    const list = await bodyOf<List>(await api(`/api/jobs?project_id=${project_id}`))
    expect(list.jobs.map(({ id }) => id)).toEqual([job_id])
  })

  it('fills in the defaults, so that the worker gets complete params', async () => {
    const items = [{ type: 'text', text: 'Hi' }]
    const { job } = await createJob({ params: { items } })
    const text = {
      type: 'text',
      text: 'Hi',
      align: 'left',
      max_width: 1,
      y: 0.05,
      size: 0.06,
      color: '#ffffff',
      opacity: 1,
    }
    expect(job.params).toEqual({
      items: [{ ...text, start_seconds: 0 }],
      output: { container: 'mp4', quality: 'medium' },
    })
  })

  it('keeps metadata, tags and policy as they were given', async () => {
    const metadata = { order: 'A-1', nested: { constructor: [1, null, 'é'] } }
    const { job } = await createJob({ metadata, tags: ['a', 'b'], policy: { max_attempts: 5 } })
    expect(job).toMatchObject({ metadata, tags: ['a', 'b'], max_attempts: 5 })
  })

  it('names the endpoint, and takes the same request again whether it named the default one or none', async () => {
    const headers = { 'Idempotency-Key': crypto.randomUUID() }
    const project_id = freshProject()
    await bodyOf(await post('/api/jobs', jobBody({ project_id }), headers), 201)
    const named = jobBody({ project_id, policy: { endpoint: 'default' } })
    const { job } = await bodyOf<Created>(await post('/api/jobs', named, headers), 201)
    expect(job.endpoint).toBe('default')
    const { jobs } = await bodyOf<List>(await api(`/api/jobs?project_id=${project_id}`))
    expect(jobs).toMatchObject([{ id: job.id, endpoint: 'default' }])
  })

  it('sends a signed URL for each image that the params name', async () => {
    const keys = ['input/i/1.png', 'input/i/2.png']
    for (const key of keys) await env.VIDEOS.put(key, 'png')
    await env.VIDEOS.put('input/a/clip.mp4', 'video')
    const items = [keys[0], keys[1], keys[0]].map((image_key) => ({ type: 'image', image_key }))
    const { job_id } = await createJob({ params: { items } })
    await ring(job_id)
    const run = world.runs.find((each) => each.input.job_id === job_id)
    expect(run?.input).toMatchObject({ assets: { 'input/i/1.png': expect.any(String) } })
    expect(Object.keys(Object(run?.input).assets)).toEqual(keys)
  })
})

describe('GET /api/jobs/:id', () => {
  it('answers 304 to its own ETag until the job changes', async () => {
    const { job_id } = await createJob()
    const first = await api(`/api/jobs/${job_id}`)
    expect(first.headers.get('Cache-Control')).toContain('private')
    expect(await bodyOf<JobJson>(first)).toMatchObject({ id: job_id, status: 'pending' })
    const headers = { 'If-None-Match': `"other", ${first.headers.get('ETag')}` }
    const second = await api(`/api/jobs/${job_id}`, { headers })
    expect([second.status, await second.text()]).toEqual([304, ''])
    await post(`/api/jobs/${job_id}/cancel`, {})
    expect((await api(`/api/jobs/${job_id}`, { headers })).status).toBe(200)
  })

  it('never answers 304 to who holds links that have died', async () => {
    const { id } = await completedJob()
    vi.setSystemTime(Math.ceil(Date.now() / URL_WINDOW_MS) * URL_WINDOW_MS)
    const first = await api(`/api/jobs/${id}`)
    const headers = { 'If-None-Match': first.headers.get('ETag') ?? '' }
    const { output_url: held } = await bodyOf<JobJson>(first)
    vi.setSystemTime(Date.now() + URL_WINDOW_MS - 1)
    expect((await api(`/api/jobs/${id}`, { headers })).status).toBe(304)
    vi.setSystemTime(Date.now() + 1)
    const renewed = await bodyOf<JobJson>(await api(`/api/jobs/${id}`, { headers }))
    expect(renewed.output_url).not.toBe(held)
    for (const url of [held, renewed.output_url])
      expect((await api(url ?? '', { method: 'HEAD' })).status).toBe(200)
    vi.setSystemTime(Date.now() + HOUR + 1)
    await problemOf(await api(held ?? ''), 403, 'signature_expired')
  })

  it('keeps the ETag of a job that shows no links, however much time passes', async () => {
    const { job_id } = await createJob()
    const headers = { 'If-None-Match': (await api(`/api/jobs/${job_id}`)).headers.get('ETag') ?? '' }
    vi.setSystemTime(Date.now() + HOUR)
    expect((await api(`/api/jobs/${job_id}`, { headers })).status).toBe(304)
  })

  it('gives out addresses of both videos that need no token', async () => {
    const { id } = await completedJob()
    const { input_url, output_url } = await bodyOf<JobJson>(await api(`/api/jobs/${id}`))
    for (const url of [input_url, output_url]) {
      const response = await api(url ?? '', { headers: { Origin: 'https://elsewhere.test' } })
      expect(response.status).toBe(200)
      await response.body?.cancel()
    }
  })

  it('answers a retired job from its row', async () => {
    const { id } = await completedJob()
    await retire(id)
    const job = await bodyOf<JobJson & { archived: boolean }>(await api(`/api/jobs/${id}`))
    expect(job).toMatchObject({
      id,
      status: 'complete',
      archived: true,
      input_url: null,
      output_url: null,
      next_action: null,
    })
    await problemOf(await api(`/api/jobs/${id}/events`), 410, 'events_gone')
    await problemOf(await post(`/api/jobs/${id}/retry`, {}), 409, 'archived')
    expect((await post(`/api/jobs/${id}/cancel`, {})).status).toBe(200)
    expect(await bodyOf(await api(`/api/jobs/${id}`, { method: 'DELETE' }))).toEqual({ success: true })
    await problemOf(await api(`/api/jobs/${id}`), 404, 'job_not_found')
  })
})

describe('cancel, retry and delete', () => {
  it('cancels a waiting job at once, and as often as asked', async () => {
    const { job_id } = await createJob()
    for (let i = 0; i < 3; i++) {
      const job = await bodyOf<JobJson>(await post(`/api/jobs/${job_id}/cancel`, {}))
      expect(job).toMatchObject({ id: job_id, status: 'cancelled', cancel: { confirmed: true } })
    }
  })

  it('answers 202 while RunPod has not confirmed the cancel', async () => {
    const { id } = await dispatchedJob(world.runs)
    const job = await bodyOf<JobJson>(await post(`/api/jobs/${id}/cancel`, {}), 202)
    expect(job).toMatchObject({ status: 'cancelling', cancel: { confirmed: false } })
  })

  it('starts a new round of a cancelled job, and refuses to retry an active or complete one', async () => {
    const { job_id } = await createJob()
    await problemOf(await post(`/api/jobs/${job_id}/retry`, {}), 409, 'job_active')
    await post(`/api/jobs/${job_id}/cancel`, {})
    expect(await bodyOf<JobJson>(await post(`/api/jobs/${job_id}/retry`, {}))).toMatchObject({
      status: 'pending',
      round: 2,
    })
    const { id } = await completedJob()
    await problemOf(await post(`/api/jobs/${id}/retry`, {}), 409, 'job_complete')
  })

  it('cancels an active job instead of deleting it, and says so', async () => {
    const { id } = await dispatchedJob(world.runs)
    const body = await bodyOf<Created & { success: boolean; detail: string }>(
      await api(`/api/jobs/${id}`, { method: 'DELETE' }),
      202,
    )
    expect(body).toMatchObject({
      success: false,
      job_id: id,
      status: 'cancelling',
      job: { status: 'cancelling' },
    })
    expect(body.detail).toContain('cancelled')
  })

  it('deletes an ended job from actor and list, and answers a repeat the same', async () => {
    const project_id = freshProject()
    const { job_id } = await createJob({ project_id })
    await post(`/api/jobs/${job_id}/cancel`, {})
    expect(await bodyOf(await api(`/api/jobs/${job_id}`, { method: 'DELETE' }))).toEqual({ success: true })
    expect(await bodyOf<List>(await api(`/api/jobs?project_id=${project_id}`))).toEqual({
      jobs: [],
      next_cursor: null,
    })
    await problemOf(await api(`/api/jobs/${job_id}`), 404, 'job_not_found')
    await problemOf(await post(`/api/jobs/${job_id}/cancel`, {}), 404, 'job_not_found')
    await problemOf(await post(`/api/jobs/${job_id}/retry`, {}), 404, 'job_not_found')
    expect((await api(`/api/jobs/${job_id}`, { method: 'DELETE' })).status).toBe(200)
  })
})

describe('GET /api/jobs/:id/events', () => {
  it('pages through the log with one cursor', async () => {
    const { job_id } = await createJob()
    await post(`/api/jobs/${job_id}/cancel`, {})
    type Page = {
      events: { seq: number; type: string }[]
      next_after: number
      first_seq: number
      last_seq: number
    }
    const all = await bodyOf<Page>(await api(`/api/jobs/${job_id}/events`))
    expect(all.events.map(({ seq }) => seq)).toEqual(all.events.map((_, i) => i + 1))
    expect(all).toMatchObject({ first_seq: 1, last_seq: all.events.length, next_after: all.events.length })
    const one = await bodyOf<Page>(await api(`/api/jobs/${job_id}/events?after=1&limit=1`))
    expect(one).toMatchObject({ events: [{ seq: 2 }], next_after: 2 })
    const none = await bodyOf<Page>(await api(`/api/jobs/${job_id}/events?after=999`))
    expect(none).toMatchObject({ events: [], next_after: 999 })
  })

  it.each(['after=-1', 'after=x', 'limit=0', 'limit=1.5'])('refuses ?%s', async (query) => {
    const { job_id } = await createJob()
    const problem = await problemOf(
      await api(`/api/jobs/${job_id}/events?${query}`),
      400,
      'validation_failed',
    )
    expect(problem.errors?.[0]?.pointer).toBe(`/query/${query.split('=')[0]}`)
  })
})

/** Uses the worker's own routes: stores the file, reports completion, and lets the actor check it. */
async function completedJob(): Promise<{ id: string }> {
  const { id, run } = await dispatchedJob(world.runs)
  const { put_url, video_key } = run.input.output
  const headers = { 'Content-Type': 'video/mp4', 'Content-Length': '6' }
  expect((await api(pathOf(put_url), { method: 'PUT', headers, body: 'result' })).status).toBe(201)
  const report = await post(
    `/api/jobs/${id}/do/complete`,
    { output_video_key: video_key },
    { Authorization: `Bearer ${run.input.callback_token}` },
  )
  expect(await bodyOf(report)).toEqual({ ok: true, cancel: false })
  await ring(id)
  const job = await bodyOf<JobJson>(await api(`/api/jobs/${id}`))
  expect(job).toMatchObject({ status: 'complete', output_video_key: video_key, output_size_bytes: 6 })
  return { id }
}

/** An external input: complete in the actor and at the worker, and only its origin and path anywhere else. */
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import type { JobJson } from '../../../wire/job.ts'
import {
  api,
  apiWith,
  bodyOf,
  type Created,
  createJob,
  freshProject,
  pathOf,
  post,
  problemOf,
  retire,
  ring,
  textOf,
  useHttpWorld,
} from '../../support/workerd/http.ts'
import { received, URL_OF_RECEIVER, useReceiver } from '../../support/workerd/receiver.ts'
import { search, secret } from '../../support/workerd/secret-scan.ts'

const world = useHttpWorld()
useReceiver()

const SHOWN = 'https://cdn.example.com/films/holiday.mov'
const KEY = 'cdn-key-0123456789'
const WHOLE = `${SHOWN}?k=${KEY}&name=my%20holiday%20film`

const external = (over: Record<string, unknown> = {}) => ({
  project_id: 1,
  type: 'overlay',
  params: {},
  input_video_url: WHOLE,
  ...over,
})
const create = async (over: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  bodyOf<Created>(await post('/api/jobs', external(over), headers), 201)
const jobOf = async (id: string) => bodyOf<JobJson>(await api(`/api/jobs/${id}`))
const rowOf = (id: string) =>
  env.DB.prepare('SELECT * FROM export_jobs WHERE id = ?').bind(id).first<Record<string, unknown>>()

/** All representations of a job. */
async function shown(id: string): Promise<string> {
  const paths = [`/api/jobs/${id}`, `/api/jobs/${id}/events`, `/api/admin/jobs/${id}`, '/api/jobs']
  const texts = await Promise.all(paths.map(async (path) => textOf(await api(path))))
  return [...texts, JSON.stringify(await rowOf(id)), ...received.map(({ body }) => body)].join('\n')
}

async function dispatched(over: Record<string, unknown> = {}) {
  const { job_id: id } = await create(over)
  await ring(id)
  const run = world.runs.find(({ input }) => input.job_id === id)
  if (!run) throw new Error('RunPod was not asked to run this job.')
  const report = (kind: string, body: object) =>
    post(`/api/jobs/${id}/do/${kind}`, body, { Authorization: `Bearer ${run.input.callback_token}` })
  return { id, run, report }
}

describe('A job whose input lies elsewhere', () => {
  it.each([
    ['overlay', {}],
    ['trim', { end_seconds: 3 }],
    ['crop', { aspect_ratio: '9:16' }],
    ['transcode', {}],
  ])('hands the address to the worker, whole and told apart: %s', async (type, params) => {
    const { id, run } = await dispatched({ type, params })
    expect(run.input).toMatchObject({
      input_video_key: null,
      input_url: WHOLE,
      input_is_external: true,
      input_max_bytes: 5 * 1024 ** 3,
    })
    expect(await jobOf(id)).toMatchObject({
      status: 'queued',
      input_video_key: null,
      input_video_url: SHOWN,
      input_url: null,
    })
  })

  it('does not call an upload external', async () => {
    const key = `input/${crypto.randomUUID()}/clip.mp4`
    await env.VIDEOS.put(key, 'video', { customMetadata: { project: '1' } })
    const { job_id: id, job } = await createJob({ input_video_key: key })
    expect(job).toMatchObject({ input_video_key: key, input_video_url: null })
    await ring(id)
    const run = world.runs.find(({ input }) => input.job_id === id)
    expect(Object.keys(run?.input ?? {})).not.toContain('input_is_external')
  })

  it('is told apart from an upload in D1, which holds origin and path', async () => {
    const { job_id: id } = await create()
    expect(await rowOf(id)).toMatchObject({ input_video_key: '', input_video_url: SHOWN })
  })

  it('uses the same address again when it is retried', async () => {
    const { id, report } = await dispatched()
    const gone = { error: 'The input is gone.', should_retry: false, code: 'input_not_found' }
    await report('error', gone)
    expect(await jobOf(id)).toMatchObject({ status: 'error', error: { code: 'input_not_found' } })
    await post(`/api/jobs/${id}/retry`, {})
    await ring(id)
    const urls = world.runs.filter(({ input }) => input.job_id === id).map(({ input }) => input.input_url)
    expect(urls).toEqual([WHOLE, WHOLE])
  })

  it('is the same job for a repeat with a fresh signature, and another for another path', async () => {
    const headers = { 'Idempotency-Key': crypto.randomUUID() }
    const { job_id } = await create({}, headers)
    const again = await create({ input_video_url: `${SHOWN}?k=another-signature#t=1` }, headers)
    expect(again.job_id).toBe(job_id)
    for (const body of [
      { input_video_url: `${SHOWN}4` },
      { input_video_url: 'https://b.example/holiday.mov' },
    ])
      await problemOf(await post('/api/jobs', external(body), headers), 422, 'idempotency_key_reused')
    await ring(job_id)
    expect(world.runs.find(({ input }) => input.job_id === job_id)?.input.input_url).toBe(WHOLE)
  })

  it('names its result after the file in the address', async () => {
    const { id, run, report } = await dispatched()
    const put = { method: 'PUT', headers: { 'Content-Type': 'video/mp4' }, body: 'result' }
    await api(pathOf(run.input.output.put_url), put)
    await report('complete', { output_video_key: run.input.output.video_key })
    await ring(id)
    const { output_url, output_video_key } = await jobOf(id)
    expect(new URLSearchParams(output_url?.split('?')[1]).get('name')).toBe('holiday-overlay.mp4')
    const byToken = await api(`/api/videos/download/${output_video_key}`)
    expect(byToken.headers.get('Content-Disposition')).toContain('holiday-overlay.mp4')
  })

  it('is deleted, and retired, without a look for a file of its own', async () => {
    const bystander = `input/${crypto.randomUUID()}/bystander.mp4`
    await env.VIDEOS.put(bystander, 'video', { customMetadata: { project: '1' } })
    const ended = async () => {
      const { job_id: id } = await create()
      await post(`/api/jobs/${id}/cancel`, {})
      return id
    }
    const deleted = await ended()
    expect((await api(`/api/jobs/${deleted}`, { method: 'DELETE' })).status).toBe(200)
    await ring(deleted)
    expect(await rowOf(deleted)).toBeNull()
    const retired = await ended()
    await ring(retired)
    await retire(retired)
    expect(await jobOf(retired)).toMatchObject({
      archived: true,
      input_video_key: null,
      input_video_url: SHOWN,
    })
    expect(await env.VIDEOS.head(bystander)).not.toBeNull()
  })
})

describe('The query of the address', () => {
  it('is shown nowhere, whoever quotes it', async () => {
    secret(KEY)
    const webhook = { webhook_url: URL_OF_RECEIVER, webhook_events: ['queued', 'error'] }
    const { id, report } = await dispatched(webhook)
    const quoted = `403 for ${WHOLE} with k ${KEY}, named my holiday film`
    await report('progress', { progress: 5, message: quoted, stage: KEY })
    await report('error', { error: quoted, should_retry: false })
    await ring(id)
    const text = await shown(id)
    expect(text).toContain(`403 for ${SHOWN}`)
    for (const part of [KEY, 'k=cdn', 'my%20holiday', 'my holiday']) expect(text).not.toContain(part)
    expect(search().leaks).toEqual([])
  })

  it('is taken off the address also where it is too short to be told from a word', async () => {
    const { id, report } = await dispatched({ input_video_url: `${SHOWN}?k=abc` })
    await report('error', { error: `403 for ${SHOWN}?k=abc`, should_retry: false })
    expect((await jobOf(id)).error?.message).toBe(`403 for ${SHOWN}`)
  })

  it('is not in an answer that refuses the request', async () => {
    const bad = external({ input_video_url: `http://cdn.example.com/?k=${KEY}`, params: { no: 1 } })
    expect(await textOf(await post('/api/jobs', bad))).not.toContain(KEY)
  })
})

describe('A request', () => {
  it.each([
    [
      { input_video_url: undefined },
      '/input_video_key',
      'Name the video by input_video_key, or by input_video_url.',
    ],
    [
      { input_video_key: 'input/a/clip.mp4' },
      '/input_video_url',
      'Name the video by input_video_key or by this, not both.',
    ],
    [{ input_video_url: 'clip.mp4' }, '/input_video_url', 'This is not a URL.'],
    [{ input_video_url: 'http://cdn.example.com/a.mp4' }, '/input_video_url', 'Only https URLs are fetched.'],
    [{ input_video_url: 7 }, '/input_video_url', 'Expected string, received 7.'],
    [
      { input_video_url: `https://cdn.example.com/${'x'.repeat(4_100)}` },
      '/input_video_url',
      'This may have at most 4096 characters.',
    ],
  ])('that says %j is refused', async (over, pointer, detail) => {
    const problem = await problemOf(await post('/api/jobs', external(over)), 400, 'validation_failed')
    expect(problem.errors).toEqual([{ pointer, detail }])
  })

  it('may name this computer in development alone', async () => {
    const init = (project_id: number) => ({
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(external({ project_id, input_video_url: 'http://localhost:9000/clip.mp4' })),
    })
    expect((await api('/api/jobs', init(freshProject()))).status).toBe(201)
    const staging = { ENVIRONMENT: 'staging', PUBLIC_URL: 'https://exports.example.com' }
    expect((await apiWith(staging, '/api/jobs', init(1))).status).not.toBe(201)
  })
})

import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, it, vi } from 'vitest'
import {
  api,
  apiWith,
  bindings,
  createJob,
  dispatchedJob,
  downloadOf,
  post,
  problemOf,
  ring,
  useHttpWorld,
} from '../../support/workerd/http.ts'
import { bearer, tokenOf } from '../../support/workerd/tokens.ts'

const world = useHttpWorld()

it('writes one JSON line for each request, with the path as a pattern', async () => {
  const { job_id } = await createJob()
  world.logs.length = 0
  await api(`/api/jobs/${job_id}`, { headers: { 'X-Request-Id': 'r-1' } })
  expect(world.logs).toHaveLength(1)
  expect(JSON.parse(world.logs[0] ?? '')).toEqual({
    at: 'request',
    method: 'GET',
    route: '/api/jobs/:id',
    status: 200,
    ms: expect.any(Number),
    request_id: 'r-1',
    job_id,
    by: 'development',
    worker_version: env.VERSION?.id,
  })
})

it('writes one JSON line for each change of a job, with the request that asked for it, and none for progress', async () => {
  const { id, run } = await dispatchedJob(world.runs)
  const report = (body: object) =>
    post(`/api/jobs/${id}/do/progress`, body, {
      Authorization: `Bearer ${run.input.callback_token}`,
      'X-Request-Id': 'r-report',
    })
  vi.setSystemTime(Date.now() + 1_500)
  await report({ progress: 1 })
  await report({ progress: 2 })
  await post(`/api/jobs/${id}/cancel`, {}, { 'X-Request-Id': 'r-cancel' })
  const lines = world.logs.map((line) => JSON.parse(line)).filter(({ at }) => at === 'transition')
  const line = { at: 'transition', job_id: id, project_id: 1, round: 1, worker_version: env.VERSION?.id }
  expect(lines.filter(({ job_id }) => job_id === id)).toEqual([
    expect.objectContaining({
      ...line,
      events: ['created'],
      by: 'development',
      status: 'pending',
      attempt: 0,
      version: 1,
      ms: 0,
    }),
    { ...line, events: ['attempt_started'], status: 'pending', attempt: 1, version: 2, ms: 0 },
    { ...line, events: ['queued'], status: 'queued', attempt: 1, version: 3, ms: 0 },
    {
      ...line,
      events: ['processing'],
      status: 'processing',
      attempt: 1,
      version: 4,
      ms: 1_500,
      request_id: 'r-report',
    },
    expect.objectContaining({ ...line, status: 'cancelling', by: 'development', request_id: 'r-cancel' }),
  ])
})

const linesOf = (id: string) =>
  world.logs.map((line) => JSON.parse(line)).filter(({ at, job_id }) => at === 'transition' && job_id === id)

it('says at an end what it cost, and at a deletion who asked, which job and which files', async () => {
  const { id, run } = await dispatchedJob(world.runs)
  const worker = { Authorization: `Bearer ${run.input.callback_token}` }
  await post(`/api/jobs/${id}/do/progress`, { progress: 1 }, worker)
  vi.setSystemTime(Date.now() + 30_000)
  const key = run.input.output.video_key
  await env.VIDEOS.put(key, 'result')
  await post(`/api/jobs/${id}/do/complete`, { output_video_key: key }, worker)
  await ring(id)
  expect(linesOf(id).at(-1)).toMatchObject({
    events: ['complete'],
    project_id: 1,
    code: null,
    queue_seconds: 0,
    run_seconds: 30,
    gpu_seconds: 30,
    wasted_seconds: 0,
  })
  const operator = bearer(await tokenOf({ subject: 'ada@example.com' }))
  await api(`/api/jobs/${id}`, { method: 'DELETE', headers: operator })
  await ring(id)
  const deletions = linesOf(id).filter(({ events }) => events.includes('deleting'))
  expect(deletions).toHaveLength(1)
  const input = expect.stringMatching(/^input\//)
  expect(deletions[0]).toMatchObject({ by: 'ada@example.com', files: [`output/${id}/`, key, input] })
})

it('says the same of a job that was retired', async () => {
  const { job_id: id } = await createJob()
  await runInDurableObject(env.EXPORT_JOB.getByName(id), (_, { storage }) => storage.deleteAll())
  await evictDurableObject(env.EXPORT_JOB.getByName(id))
  await env.DB.prepare(
    "UPDATE export_jobs SET archived = 1, status = 'complete', finished_at = 1 WHERE id = ?",
  )
    .bind(id)
    .run()
  await api(`/api/jobs/${id}`, { method: 'DELETE', headers: bearer(await tokenOf({ subject: 'ada' })) })
  expect(linesOf(id).at(-1)).toMatchObject({ events: ['deleting'], by: 'ada', project_id: 1, files: [] })
})

it('never writes signatures, tokens or bodies', async () => {
  await api(downloadOf('input/secret-name.mp4', { name: 'secret-result.mp4' }))
  await post('/api/jobs', '{"input_video_key": "secret-body', { Authorization: 'Bearer secret-token' })
  await api('/api/jobs?token=secret-token')
  expect(world.logs.length).toBeGreaterThanOrEqual(3)
  expect(world.logs.join('\n')).not.toMatch(/secret-|sig=|[\w-]{43}/)
})

it('answers a bug with its request id alone, and logs it', async () => {
  const broken = bindings().DB
  const DB = new Proxy(broken, {
    get: (target, name) => (name === 'prepare' ? () => brokenStatement : Reflect.get(target, name)),
  })
  const response = await apiWith({ DB }, '/api/jobs')
  const problem = await problemOf(response, 500, 'internal_error')
  expect(JSON.stringify(problem)).not.toContain('secret-detail')
  const line = world.logs.find((each) => each.includes('"at":"bug"')) ?? ''
  expect(JSON.parse(line)).toMatchObject({ request_id: problem.request_id, route: '/api/jobs' })
  expect(line).not.toContain('abc123')
  world.logs.length = 0
})

const brokenStatement = {
  bind() {
    throw new TypeError('secret-detail at https://x.test/?sig=abc123')
  },
}

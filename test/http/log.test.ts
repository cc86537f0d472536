import { expect, it } from 'vitest'
import { downloadPath } from '../../actors/signing.ts'
import {
  api,
  apiWith,
  bindings,
  createJob,
  post,
  problemOf,
  SECRET,
  T0,
  useHttpWorld,
} from '../support/workerd/http.ts'

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
  })
})

it('never writes signatures, tokens or bodies', async () => {
  await api(downloadPath(SECRET, 'input/secret-name.mp4', T0))
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

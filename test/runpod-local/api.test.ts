import { request } from 'node:http'
import { expect, it } from 'vitest'
import { type Local, startLocal } from '../support/node/runpod-local/local.ts'

const busy: NonNullable<Parameters<typeof startLocal>[0]>['worker'] = ({ signal }) =>
  new Promise((done) => signal.addEventListener('abort', () => done(null)))

async function accepted(local: Local, body: unknown): Promise<string> {
  const answer = await local.post('/run', body)
  expect(answer.status).toBe(200)
  return String(answer.body.id)
}

it.each([
  ['no key', undefined, 401],
  ['a wrong key', 'Bearer wrong', 401],
  ['a key with something behind it', 'Bearer local-key2', 401],
  ['the key as Bearer', 'Bearer local-key', 200],
  ['the bare key, as in the docs’ samples', 'local-key', 200],
])('answers %s with its status', async (_name, authorization, status) => {
  const local = await startLocal({ worker: busy })
  const headers = authorization === undefined ? {} : { authorization }
  const answer = await fetch(`${local.endpoint}/health`, { headers })
  expect(answer.status).toBe(status)
  if (status === 401) expect(await answer.json()).toEqual({ detail: 'Unauthorized' })
})

it.each([
  ['GET', '/v2/test/nothing', 404],
  ['GET', '/v2/test/toString', 404],
  ['GET', '/v2/test/status', 404],
  ['GET', '/v2/test/health/extra', 404],
  ['GET', '/elsewhere', 404],
  ['GET', '/v2/test/status/unknown-u1', 404],
  ['POST', '/v2/test/cancel/unknown-u1', 404],
  ['POST', '/v2/test/retry/unknown-u1', 404],
  ['GET', '/v2/test/stream/unknown-u1', 404],
  ['GET', '/v2/test/run', 405],
  ['POST', '/v2/test/health', 405],
  ['DELETE', '/jobs', 405],
])('answers %s %s with %i and a detail', async (method, path, status) => {
  const local = await startLocal({ worker: busy })
  const answer = await fetch(`${local.url}${path}`, {
    method,
    headers: { authorization: 'Bearer local-key' },
  })
  expect(answer.status).toBe(status)
  expect(await answer.json()).toEqual({ detail: expect.any(String) })
})

it.each([
  ['no input', {}],
  ['an input that is no object', { input: [1] }],
  ['a webhook that is no URL', { input: { n: 1 }, webhook: 'ftp://x' }],
  ['a ttl that is no number', { input: { n: 1 }, policy: { ttl: 'long' } }],
  ['a ttl under 10 s', { input: { n: 1 }, policy: { ttl: 9_999 } }],
  ['a ttl over 7 days', { input: { n: 1 }, policy: { ttl: 7 * 86_400_000 + 1 } }],
  ['an execution timeout under 5 s', { input: { n: 1 }, policy: { executionTimeout: 4_999 } }],
])('refuses %s with 400', async (_name, body) => {
  const local = await startLocal({ worker: busy, policyBounds: true })
  expect(await local.post('/run', body)).toMatchObject({ status: 400, body: { detail: expect.any(String) } })
  expect(await local.jobs()).toEqual([])
})

it('takes a policy at its bounds, and keys it does not know', async () => {
  const local = await startLocal({ worker: busy, policyBounds: true })
  const policy = { ttl: 10_000, executionTimeout: 5_000, lowPriority: true, other: 1 }
  await accepted(local, { input: { n: 1 }, policy, s3Config: {}, webhookV2: 'x' })
})

it('refuses a body that is no JSON', async () => {
  const local = await startLocal({ worker: busy })
  const headers = { authorization: 'Bearer local-key' }
  const answer = await fetch(`${local.endpoint}/run`, { method: 'POST', headers, body: '{"input":' })
  expect(answer.status).toBe(400)
})

it('takes 10 MB by /run and no more; /runsync takes 20', async () => {
  const local = await startLocal({ worker: async () => 'done' })
  const mb = 1024 * 1024
  const body = (size: number) => ({ input: { text: 'x'.repeat(size) } })
  expect((await local.post('/run', body(10 * mb - 100))).status).toBe(200)
  expect(await local.post('/run', body(10 * mb))).toEqual({
    status: 400,
    body: { detail: 'request body exceeds 10 MB' },
  })
  expect((await local.post('/runsync', body(10 * mb))).status).toBe(200)
  expect((await local.post('/runsync', body(20 * mb))).status).toBe(400)
})

it('shows the last update as output while a job runs, and its result after', async () => {
  const gate = Promise.withResolvers<void>()
  const local = await startLocal({
    worker: async ({ update }) => {
      update({ progress: 33 })
      await gate.promise
      return { answer: 42 }
    },
  })
  const id = await accepted(local, { input: { n: 1 }, webhook: 'http://127.0.0.1:9/none' })
  const running = await local.reaches(id, 'IN_PROGRESS')
  expect(running).toEqual({
    id,
    status: 'IN_PROGRESS',
    delayTime: expect.any(Number),
    workerId: expect.any(String),
    input: { n: 1 },
    output: { progress: 33 },
    webhook: 'http://127.0.0.1:9/none',
  })
  gate.resolve()
  expect(await local.reaches(id, 'COMPLETED')).toMatchObject({ output: { answer: 42 } })
})

it('reads status, status-sync and stream by POST too, as the Go SDK does', async () => {
  const local = await startLocal({ worker: async () => 'done' })
  const id = await accepted(local, { input: { n: 1 } })
  expect((await local.post(`/status-sync/${id}`)).body).toMatchObject({ status: 'COMPLETED', output: 'done' })
  expect((await local.post(`/status/${id}`)).body).toMatchObject({ status: 'COMPLETED' })
  expect((await local.post(`/stream/${id}`)).body).toEqual({ status: 'COMPLETED', stream: [] })
})

it.each([
  ['a returned error', { error: 'bad scene' }, { error: 'bad scene' }],
  ['an error with other keys', { error: 'bad', code: 'x' }, { error: 'bad', output: { code: 'x' } }],
])('fails a job by %s', async (_name, returned, expected) => {
  const local = await startLocal({ worker: async () => returned })
  const id = await accepted(local, { input: { n: 1 } })
  const { status, error, output } = await local.reaches(id, 'FAILED')
  expect({ status, error, output }).toEqual({ status: 'FAILED', output: undefined, ...expected })
})

it('fails a job by an exception, with JSON text as error', async () => {
  const local = await startLocal({ worker: () => Promise.reject(new TypeError('no such thing')) })
  const id = await accepted(local, { input: { n: 1 } })
  const { error } = await local.reaches(id, 'FAILED')
  expect(JSON.parse(String(error))).toMatchObject({ error_type: 'TypeError', error_message: 'no such thing' })
})

it('retries a failed job under its id, and no other', async () => {
  let runs = 0
  const local = await startLocal({ worker: async () => (++runs === 1 ? { error: 'first' } : { run: runs }) })
  const id = await accepted(local, { input: { n: 1 } })
  await local.reaches(id, 'FAILED')
  expect((await local.post(`/retry/${id}`)).body).toEqual({ id, status: 'IN_QUEUE' })
  const done = await local.reaches(id, 'COMPLETED')
  expect(done).toMatchObject({ input: { n: 1 }, output: { run: 2 } })
  expect(done.error).toBeUndefined()
  expect((await local.post(`/retry/${id}`)).status).toBe(400)
})

it('answers a cancel of a finished job with the status it has', async () => {
  const local = await startLocal({ worker: async () => 'done' })
  const id = await accepted(local, { input: { n: 1 } })
  await local.reaches(id, 'COMPLETED')
  expect(await local.post(`/cancel/${id}`)).toEqual({ status: 200, body: { id, status: 'COMPLETED' } })
})

it('forgets a job sooner when /status is asked with a ttl', async () => {
  const local = await startLocal({ worker: async () => 'done' })
  const id = await accepted(local, { input: { n: 1 } })
  await local.reaches(id, 'COMPLETED')
  expect((await local.get(`/status/${id}?ttl=1`)).status).toBe(200)
  await expect.poll(async () => (await local.get(`/status/${id}`)).status).toBe(404)
})

it('refuses /jobs and /faults under a host name that is not this computer’s', async () => {
  const local = await startLocal({ worker: busy })
  const statuses = ['/jobs', '/faults'].map(
    (path) =>
      new Promise((done, fail) => {
        const sent = request(`${local.url}${path}`, { headers: { host: 'evil.example' } }, (answer) => {
          answer.resume()
          done(answer.statusCode)
        })
        sent.on('error', fail)
        sent.end()
      }),
  )
  expect(await Promise.all(statuses)).toEqual([403, 403])
})

it('lists in /jobs what ran where and when, without input or URL', async () => {
  const local = await startLocal({ worker: busy })
  const input = { job_id: 'j1', round: 2, attempt: 3, type: 'trim', callback_token: 'secret' }
  const id = await accepted(local, { input, webhook: 'http://127.0.0.1:9/secret' })
  await local.reaches(id, 'IN_PROGRESS')
  const [job] = await local.jobs()
  expect(job).toMatchObject({
    id,
    job_id: 'j1',
    round: 2,
    attempt: 3,
    type: 'trim',
    status: 'IN_PROGRESS',
    worker_running: true,
    runs: [{ worker_id: expect.any(String), started_at: expect.any(String), ended_at: null, outcome: null }],
  })
  expect(JSON.stringify(job)).not.toContain('secret')
  await local.post(`/cancel/${id}`)
  await expect.poll(async () => (await local.jobs())[0]?.worker_running).toBe(false)
  expect((await local.jobs())[0]).toMatchObject({ status: 'CANCELLED', runs: [{ outcome: 'stopped' }] })
})

it('answers 404 to who waits for a job that its ttl deletes', async () => {
  const local = await startLocal({ worker: busy })
  const waiting = local.post('/runsync', { input: { n: 1 }, policy: { ttl: 50 } })
  expect(await waiting).toEqual({ status: 404, body: { detail: 'job not found' } })
})

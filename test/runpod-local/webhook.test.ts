import { expect, it } from 'vitest'
import { eventually, startLocal } from '../support/node/runpod-local/local.ts'
import { ManualClock } from '../support/node/runpod-local/manual-clock.ts'
import { fakeService } from '../support/node/runpod-local/service.ts'

it('sends the final envelope once, the same as /status gives', async () => {
  const service = await fakeService()
  const local = await startLocal({ worker: async () => ({ answer: 42 }) })
  const webhook = `${service.url}/hook?token=t`
  const { body } = await local.post('/run', { input: { n: 1 }, webhook })
  const status = await local.reaches(String(body.id), 'COMPLETED')
  await eventually(() => expect(service.webhooks).toEqual([status]))
  expect(status).toEqual({
    id: body.id,
    status: 'COMPLETED',
    delayTime: expect.any(Number),
    executionTime: expect.any(Number),
    workerId: expect.any(String),
    input: { n: 1 },
    output: { answer: 42 },
    webhook,
  })
})

it('fires for a failed job too', async () => {
  const service = await fakeService()
  const local = await startLocal({ worker: async () => ({ error: 'bad scene' }) })
  await local.post('/run', { input: { n: 1 }, webhook: `${service.url}/hook` })
  await eventually(() => expect(service.webhooks).toMatchObject([{ status: 'FAILED', error: 'bad scene' }]))
})

it.each([
  ['503', [503, 503, 503], [503, 503, 503]],
  ['201, since it wants exactly 200', [201, 201, 201], [201, 201, 201]],
  ['302, which it does not follow', [302, 302, 302], [302, 302, 302]],
  ['500 once', [500, 200], [500, 200]],
])('tries three times in all, 10 s apart: %s', async (_name, answers, expected) => {
  const service = await fakeService()
  const clock = new ManualClock()
  const local = await startLocal({ worker: async () => 'done', clock, webhookRetryMs: 10_000 })
  const queue = [...answers]
  service.answer = () => ({ status: queue.shift() ?? 200 })
  await local.post('/run', { input: { n: 1 }, webhook: `${service.url}/hook` })
  const deliveries = async () => (await local.jobs())[0]?.webhook as { at: string; result: number }[]
  for (let nth = 1; nth <= expected.length; nth++) {
    await eventually(async () => expect(await deliveries()).toHaveLength(nth))
    clock.advance(9_999)
    expect(service.webhooks).toHaveLength(nth)
    clock.advance(1)
  }
  expect((await deliveries()).map(({ result }) => result)).toEqual(expected)
  const givenUp = () => local.lines.some((line) => line.includes('webhook.given_up'))
  await eventually(() => expect(givenUp()).toBe(expected.at(-1) !== 200))
  expect(service.webhooks).toHaveLength(expected.length)
})

it('notes a receiver that is not there, and gives up after three tries', async () => {
  const local = await startLocal({ worker: async () => 'done' })
  await local.post('/run', { input: { n: 1 }, webhook: 'http://127.0.0.1:1/hook?secret-token' })
  await eventually(async () => expect((await local.jobs())[0]?.webhook).toHaveLength(3))
  expect(local.lines.join('\n')).not.toContain('secret-token')
})

it('is not sent for a cancelled job', async () => {
  const service = await fakeService()
  const local = await startLocal({
    worker: ({ signal }) => new Promise((done) => signal.addEventListener('abort', () => done(null))),
  })
  const { body } = await local.post('/run', { input: { n: 1 }, webhook: `${service.url}/hook` })
  await local.reaches(String(body.id), 'IN_PROGRESS')
  await local.post(`/cancel/${body.id}`)
  await eventually(async () => expect((await local.jobs())[0]?.worker_running).toBe(false))
  expect(service.webhooks).toEqual([])
  expect(local.lines.join('\n')).not.toContain('webhook.sent')
})

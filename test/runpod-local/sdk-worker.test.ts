/** Calls of RunPod's Python SDK to an endpoint, as observed, reproduced by plain HTTP requests. */
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { AttachedWorker } from '../support/node/runpod-local/attached.ts'
import { eventually, type Local, startLocal } from '../support/node/runpod-local/local.ts'
import { ManualClock } from '../support/node/runpod-local/manual-clock.ts'

const LOST_MS = 40_000
const MB = 1024 * 1024

async function setUp(options: Parameters<typeof startLocal>[0] = {}) {
  const clock = new ManualClock()
  const local = await startLocal({ worker: 'none', clock, lostWorkerMs: LOST_MS, ...options })
  const run = async (input: object = { n: 1 }) => String((await local.post('/run', { input })).body.id)
  const statusOf = async (id: string) => (await local.get(`/status/${id}`)).body
  return { local, clock, worker: new AttachedWorker(local), run, statusOf }
}

/** A GET that can be aborted; `sent` resolves when the endpoint holds it, detected by the timer of its wait. */
async function held(clock: ManualClock, url: string) {
  const pending = clock.pending
  const call = request(url, { headers: { authorization: 'local-key' }, agent: false })
  onTestFinished(() => void call.destroy())
  call.on('error', () => {})
  call.end()
  await eventually(() => expect(clock.pending).toBeGreaterThan(pending))
  return call
}

it('keeps an idle connection for longer than the 15 s that the SDK keeps one in its pool', async () => {
  const { local } = await setUp()
  const agent = new Agent({ keepAlive: true })
  onTestFinished(() => agent.destroy())
  const call = request(`${local.endpoint}/health`, { agent, headers: { authorization: 'local-key' } })
  call.end()
  const [answer] = (await once(call, 'response')) as [IncomingMessage]
  answer.resume()
  const seconds = Number(/timeout=(\d+)/.exec(String(answer.headers['keep-alive']))?.[1])
  expect(seconds).toBeGreaterThanOrEqual(60)
})

describe('/stream', () => {
  it('is answered within the 10 s after which the client gives up', async () => {
    const { local, clock, run } = await setUp()
    const id = await run()
    const pending = clock.pending
    const answer = local.get(`/stream/${id}`)
    await eventually(() => expect(clock.pending).toBeGreaterThan(pending))
    clock.advance(5_000)
    expect((await answer).body).toEqual({ status: 'IN_QUEUE', stream: [] })
  })

  it('keeps what comes after its reader has hung up for the next one', async () => {
    const { local, clock, worker, run } = await setUp()
    const id = await run()
    await worker.take()
    const reader = await held(clock, `${local.endpoint}/stream/${id}`)
    reader.destroy()
    await worker.stream(id, 'first')
    expect((await local.get(`/stream/${id}`)).body.stream).toEqual([{ output: 'first' }])
  })

  it('takes back parts that its reader hung up on', async () => {
    const { local, clock, worker, run } = await setUp()
    const id = await run()
    await worker.take()
    const reader = await held(clock, `${local.endpoint}/stream/${id}`)
    // More than the buffers on both sides hold, so that most of it is still here when the reader disconnects.
    const large = 'x'.repeat(9 * MB)
    const begun = once(reader, 'response') as Promise<[IncomingMessage]>
    await Promise.all(['1', '2', '3'].map((nth) => worker.stream(id, nth + large)))
    const [answer] = await begun
    await worker.stream(id, 'after')
    answer.destroy()
    const parts: string[] = []
    await eventually(async () => {
      const { stream } = (await local.get(`/stream/${id}`)).body as { stream: { output: string }[] }
      parts.push(...stream.map(({ output }) => output.slice(0, 5)))
      expect(parts).toContain('after')
      expect(parts.filter((part) => part.endsWith('xxxx'))).toHaveLength(3)
    })
  })
})

describe('a worker whose process was killed', () => {
  it('loses its job though a ping goes on to name it', async () => {
    const { local, clock, worker, run, statusOf } = await setUp()
    const id = await run()
    await worker.take()
    const url = worker.address('RUNPOD_WEBHOOK_GET_JOB', '').replace('/job-take/', '/job-stop/')
    const poll = await held(clock, url)
    poll.destroy()
    await eventually(async () => {
      await worker.ping(id)
      clock.advance(LOST_MS - 1)
      expect(await statusOf(id)).toMatchObject({ status: 'IN_QUEUE', retries: 1 })
    })
    expect(local.lines.join('\n')).toContain('it broke off its poll and is gone')
  })
})

describe('a result', () => {
  const posting = async (path: '/run' | '/runsync', size: number) => {
    const { local, worker, statusOf } = await setUp()
    const sent = local.post(path, { input: { n: 1 } })
    const id = String((await worker.take())?.id)
    const { status } = await worker.done(id, { output: 'x'.repeat(size) })
    const body = await statusOf(id)
    // So that the caller of /runsync is answered in any case.
    await local.post(`/cancel/${id}`)
    await sent
    return { status, body, log: local.lines.join('\n') }
  }

  it.each([
    ['/run', 10],
    ['/runsync', 20],
  ] as const)('over the limit of %s ends the job at once, and the log says why', async (path, mb) => {
    const { status, body, log } = await posting(path, mb * MB)
    expect(status).toBe(400)
    const error = expect.stringMatching(`^the result has \\d+ bytes, RunPod takes ${mb} MB$`)
    expect(body).toMatchObject({ status: 'FAILED', error })
    expect(body).not.toHaveProperty('retries')
    expect(log).toMatch(/job\.ended .*the result has \d+ bytes/)
  })

  it.each([
    ['/run', 10],
    ['/runsync', 20],
  ] as const)('under it is kept by %s', async (path, mb) => {
    const { status, body } = await posting(path, mb * MB - 100)
    expect(status).toBe(200)
    expect(body).toMatchObject({ status: 'COMPLETED' })
  })

  it('of this process has the same limit', async () => {
    const { local, run } = await setUp({ worker: async () => 'x'.repeat(10 * MB) })
    expect((await local.reaches(await run(), 'FAILED')).error).toContain('RunPod takes 10 MB')
  })

  it('is what counts: an update that is too large is refused, and the job goes on', async () => {
    const { worker, run, statusOf } = await setUp()
    const id = await run()
    await worker.take()
    const update = { status: 'IN_PROGRESS', output: 'x'.repeat(10 * MB) }
    expect((await worker.done(id, update)).status).toBe(400)
    expect(await statusOf(id)).toMatchObject({ status: 'IN_PROGRESS' })
  })

  it.each([
    ['an empty text', '', 'COMPLETED', undefined],
    ['null', null, 'COMPLETED', undefined],
    ['false', false, 'COMPLETED', undefined],
    ['an empty object', {}, 'COMPLETED', undefined],
    ['an object', { code: 7 }, 'FAILED', '{"code":7}'],
    ['a number', 7, 'FAILED', '7'],
  ])('with %s as error is read as the SDK reads it', async (_name, given, status, error) => {
    const returned = { error: given, output: { n: 1 } }
    const built = await setUp({ worker: async () => ({ error: given, n: 1 }) })
    const ofThisProcess = await built.local.reaches(await built.run(), status)
    const { local, worker, run } = await setUp()
    const id = await run()
    await worker.take()
    await worker.done(id, returned)
    for (const body of [ofThisProcess, await local.reaches(id, status)]) {
      expect([body.status, body.error, body.output]).toEqual([status, error, { n: 1 }])
    }
  })

  it('keeps `refresh_worker` to itself', async () => {
    const { local, run } = await setUp({ worker: async () => ({ n: 1, refresh_worker: true }) })
    expect((await local.reaches(await run(), 'COMPLETED')).output).toEqual({ n: 1 })
  })
})

describe('the log', () => {
  const wrongly = (local: Local, path: string) =>
    fetch(`${local.endpoint}${path}`, { headers: { authorization: 'rpa_of_another_account' } })

  it('says once that a worker’s key is wrong, and where the SDK may have it from', async () => {
    const { local } = await setUp()
    for (const path of ['/job-take/w', '/ping/w', '/job-take/w']) {
      expect((await wrongly(local, path)).status).toBe(401)
    }
    const told = local.lines.filter((line) => line.includes('key.wrong'))
    expect(told).toEqual([expect.stringContaining('~/.runpod/config.toml')])
    expect(told[0]).not.toContain('rpa_of_another_account')
  })

  it('says once that a caller’s key is wrong', async () => {
    const { local } = await setUp()
    for (const path of ['/health', '/toString', '/health']) await wrongly(local, path)
    const told = local.lines.filter((line) => line.includes('key.wrong'))
    expect(told).toEqual([expect.stringContaining('operation=health')])
  })

  it('says that each worker needs an id of its own', async () => {
    const { local } = await setUp()
    expect(local.lines.join('\n')).toContain('Each worker needs a RUNPOD_POD_ID of its own')
  })
})

it('counts workers in /health, not what they could take', async () => {
  const { local, clock, worker, run } = await setUp()
  const workers = async () => (await local.get('/health')).body.workers
  const none = { idle: 0, initializing: 0, ready: 0, running: 0, throttled: 0, unhealthy: 0 }
  expect(await workers()).toEqual(none)
  const pending = clock.pending
  const jobs = worker.takeBatch(3)
  await eventually(() => expect(clock.pending).toBeGreaterThan(pending))
  expect(await workers()).toEqual({ ...none, idle: 1, ready: 1 })
  await Promise.all([run(), run()])
  await jobs
  expect(await workers()).toEqual({ ...none, running: 1 })
})

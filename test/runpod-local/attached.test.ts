import { describe, expect, it } from 'vitest'
import { AttachedWorker } from '../support/node/runpod-local/attached.ts'
import { eventually, type Local, startLocal } from '../support/node/runpod-local/local.ts'
import { ManualClock } from '../support/node/runpod-local/manual-clock.ts'
import { fakeService } from '../support/node/runpod-local/service.ts'

const LOST_MS = 40_000

/** An endpoint without a worker of its own, with a manual clock. */
async function setUp(options: Parameters<typeof startLocal>[0] = {}) {
  const clock = new ManualClock()
  const local = await startLocal({ worker: 'none', clock, lostWorkerMs: LOST_MS, ...options })
  const run = async (input: object = { n: 1 }) => String((await local.post('/run', { input })).body.id)
  return { local, clock, worker: new AttachedWorker(local), run }
}

const statusOf = async (local: Local, id: string) => (await local.get(`/status/${id}`)).body

describe('a job', () => {
  it('waits for an attached worker, is handed over, and ends with what it posts', async () => {
    const { local, worker, run } = await setUp()
    const id = await run({ n: 21 })
    expect(await statusOf(local, id)).toMatchObject({ status: 'IN_QUEUE' })
    expect(await worker.take()).toEqual({ id, input: { n: 21 }, delayTime: 0 })
    expect(await statusOf(local, id)).toMatchObject({ status: 'IN_PROGRESS', workerId: 'worker-1' })
    expect((await worker.done(id, { status: 'IN_PROGRESS', output: { percent: 33 } })).status).toBe(200)
    expect(await statusOf(local, id)).toMatchObject({ status: 'IN_PROGRESS', output: { percent: 33 } })
    expect((await worker.done(id, { output: { doubled: 42 } })).status).toBe(200)
    await eventually(async () =>
      expect(await statusOf(local, id)).toMatchObject({ status: 'COMPLETED', output: { doubled: 42 } }),
    )
    expect((await local.jobs())[0]).toMatchObject({
      worker_running: false,
      runs: [{ worker_id: 'worker-1', outcome: 'completed' }],
    })
  })

  it('wakes the poll that waits for it', async () => {
    const { worker, run } = await setUp()
    const polled = worker.take()
    await worker.waits()
    const id = await run()
    expect(await polled).toMatchObject({ id })
  })

  it('fails with the error that the worker posts, its output kept', async () => {
    const { local, worker, run } = await setUp()
    const id = await run()
    await worker.take()
    await worker.done(id, { error: 'bad scene', output: { frames: 3 } })
    await eventually(async () =>
      expect(await statusOf(local, id)).toMatchObject({
        status: 'FAILED',
        error: 'bad scene',
        output: { frames: 3 },
      }),
    )
  })

  it('hands on the parts that a generator yields', async () => {
    const { local, worker, run } = await setUp()
    const id = await run()
    await worker.take()
    await worker.stream(id, 'first')
    expect((await local.get(`/stream/${id}`)).body).toEqual({
      status: 'IN_PROGRESS',
      stream: [{ output: 'first' }],
    })
  })

  it('takes no late progress after its result', async () => {
    const { local, worker, run } = await setUp()
    const id = await run()
    await worker.take()
    await worker.done(id, { output: 'result' })
    expect((await worker.done(id, { status: 'IN_PROGRESS', output: 'late' })).status).toBe(400)
    expect(await statusOf(local, id)).toMatchObject({ status: 'COMPLETED', output: 'result' })
  })
})

describe('a poll', () => {
  it('is answered 204 when nothing came', async () => {
    const { clock, worker } = await setUp()
    const polled = worker.take()
    await worker.waits()
    clock.advance(30_000)
    expect(await polled).toBeNull()
  })

  it('for a batch takes what is queued, up to its size', async () => {
    const { worker, run } = await setUp()
    const ids = [await run(), await run(), await run()]
    expect((await worker.takeBatch(2)).map(({ id }) => id)).toEqual(ids.slice(0, 2))
    expect((await worker.takeBatch(2)).map(({ id }) => id)).toEqual(ids.slice(2))
  })

  it('goes before the worker of this process, which takes what nobody else waits for', async () => {
    const { local, worker, run } = await setUp({ worker: async () => 'built in' })
    const polled = worker.take()
    await worker.waits(2)
    const id = await run()
    expect(await polled).toMatchObject({ id })
    const other = await run()
    await eventually(async () =>
      expect(await statusOf(local, other)).toMatchObject({ status: 'COMPLETED', output: 'built in' }),
    )
  })

  it('that hung up gets nothing: the job goes to the next one, and no retry is counted', async () => {
    const { local, worker, run } = await setUp()
    await worker.dieWhileTaking()
    await worker.waits(0)
    const id = await run()
    expect(await worker.take()).toMatchObject({ id })
    expect(await statusOf(local, id)).not.toHaveProperty('retries')
  })

  it.each(['0', '1.5', 'x'])('refuses a batch of %s', async (size) => {
    const { local } = await setUp()
    expect((await local.get(`/job-take-batch/worker-1?batch_size=${size}`)).status).toBe(400)
  })
})

describe('a worker that falls silent', () => {
  it('keeps its job while it pings for it', async () => {
    const { local, clock, worker, run } = await setUp()
    const id = await run()
    await worker.take()
    for (let nth = 0; nth < 6; nth++) {
      clock.advance(LOST_MS - 1)
      await worker.ping('another', id)
    }
    expect(await statusOf(local, id)).toMatchObject({ status: 'IN_PROGRESS' })
  })

  it.each([
    ['says nothing', async () => {}],
    ['pings without naming the job', (worker: AttachedWorker) => worker.ping()],
  ])('and %s loses it: handed out once more, then failed', async (_what, ping) => {
    const { local, clock, worker, run } = await setUp()
    const id = await run()
    await worker.take()
    clock.advance(LOST_MS - 1)
    await ping(worker)
    clock.advance(1)
    await eventually(async () => {
      clock.advance(0)
      expect(await statusOf(local, id)).toMatchObject({ status: 'IN_QUEUE', retries: 1 })
    })
    const second = new AttachedWorker(local, 'worker-2')
    expect(await second.take()).toMatchObject({ id, retries: 1 })
    // The first worker returns: the job is not its own any more.
    expect((await worker.done(id, { output: 'too late' })).status).toBe(400)
    expect(await statusOf(local, id)).toMatchObject({ status: 'IN_PROGRESS', workerId: 'worker-2' })
    clock.advance(LOST_MS)
    await eventually(async () => {
      clock.advance(0)
      expect(await statusOf(local, id)).toMatchObject({
        status: 'FAILED',
        error: 'job timed out after 1 retries',
        retries: 1,
      })
    })
  })
})

describe('a job that is cancelled', () => {
  it('is told to its worker once, and again while the worker says that it has it', async () => {
    const { local, worker, run } = await setUp()
    const id = await run()
    await worker.take()
    const stops = worker.stops()
    await local.post(`/cancel/${id}`)
    expect(await stops).toEqual([id])
    const again = worker.stops()
    await worker.ping(id)
    expect(await again).toEqual([id])
    expect((await local.jobs())[0]).toMatchObject({ status: 'CANCELLED', worker_running: true })
    await worker.ping()
    await eventually(async () =>
      expect((await local.jobs())[0]).toMatchObject({
        worker_running: false,
        runs: [{ outcome: 'stopped' }],
      }),
    )
  })

  it('is not told to another worker', async () => {
    const { local, clock, worker, run } = await setUp()
    const id = await run()
    await worker.take()
    await local.post(`/cancel/${id}`)
    const stops = new AttachedWorker(local, 'worker-2').stops()
    expect(await worker.stops()).toEqual([id])
    const answered = eventually(async () => {
      clock.advance(30_000)
      return Promise.race([stops, Promise.reject(new Error('not yet'))])
    })
    expect(await answered).toEqual([])
  })
})

describe('the door', () => {
  it.each(['/job-take/worker-1', '/job-take-batch/worker-1', '/job-stop/worker-1', '/ping/worker-1'])(
    'of %s wants the key',
    async (path) => {
      const { local } = await setUp()
      expect((await fetch(`${local.endpoint}${path}`)).status).toBe(401)
    },
  )

  it.each([
    ['/job-done/worker-1/no-such-job', {}, 400],
    ['/job-stream/worker-1/no-such-job', {}, 400],
    ['/job-done/worker-1/no-such-job', [], 400],
    ['/job-done/worker-1', {}, 404],
    ['/job-done/worker-1/', {}, 404],
    ['/job-take/worker-1', {}, 405],
  ])('answers POST %s %j with its status', async (path, body, status) => {
    const { local } = await setUp()
    expect((await local.post(path, body)).status).toBe(status)
  })

  it('prints what a worker needs, but never a key of one’s own', async () => {
    const { local } = await setUp({ apiKey: 'my-own-key' })
    const text = local.lines.join('\n')
    expect(text).toContain(`export RUNPOD_WEBHOOK_GET_JOB='${local.url}/v2/local/job-take/$ID?gpu=local'`)
    expect(text).not.toContain('my-own-key')
  })
})

it('does a whole export: the file is stored and reported, and the webhook tells of it', async () => {
  const service = await fakeService()
  service.files.set('clip.mp4', Buffer.from('a clip'))
  const { local, worker } = await setUp()
  const input = service.input('transcode', {})
  await local.post('/run', { input, webhook: `${service.url}/hook` })

  const taken = await worker.take()
  if (taken === null) throw new Error('there was no job')
  const { id, input: given } = taken
  expect(given).toEqual(input)
  const output = given.output as { put_url: string; video_key: string; content_type: string }
  const report = (kind: string, body: object) =>
    fetch(`${given.callback_url}/${kind}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${given.callback_token}` },
      body: JSON.stringify({ ...body, runpod_job_id: id }),
    })
  await report('progress', { progress: 10 })
  const clip = await (await fetch(String(given.input_url))).arrayBuffer()
  await worker.ping(id)
  await fetch(output.put_url, { method: 'PUT', headers: { 'if-none-match': '*' }, body: clip })
  await report('complete', { output_video_key: output.video_key })
  await worker.done(id, { output: { output_video_key: output.video_key } })

  const ended = await local.reaches(id, 'COMPLETED')
  expect(ended).toMatchObject({ workerId: 'worker-1', output: { output_video_key: output.video_key } })
  await eventually(() => expect(service.webhooks).toEqual([ended]))
  expect(service.stored.get('/put/1-1.mp4')?.body.toString()).toBe('a clip')
  expect(service.reports.map(({ kind, body }) => [kind, body.runpod_job_id])).toEqual([
    ['progress', id],
    ['complete', id],
  ])
})

import { describe, expect, it } from 'vitest'
import { eventually, startLocal } from '../support/node/runpod-local/local.ts'
import { ended, kinds, onlyJob, setUp } from '../support/node/runpod-local/noop.ts'

it('does nothing when no switch is on', async () => {
  const { service, local, run } = await setUp({})
  await run()
  await ended(local, 'COMPLETED')
  expect(kinds(service)).toEqual(['complete', 'progress'])
  await eventually(() => expect(service.webhooks).toHaveLength(1))
})

describe('setting them', () => {
  it.each([
    [{ unknown: true }],
    [{ crash: { at_progress: 101 } }],
    [{ cancel: 'maybe' }],
    [{ jobs: { a: { jobs: {} } } }],
    [[]],
    ['text'],
  ])('refuses %j with 400 and keeps what was set', async (body) => {
    const { local } = await setUp({ drop_error: true })
    expect(await local.setFaults(body)).toBe(400)
    const answer = await fetch(`${local.url}/faults`)
    expect(await answer.json()).toEqual({ drop_error: true })
  })

  it('lets a job’s own switches win over those for all, and those of /faults over both', async () => {
    const { local, service, run } = await setUp({ drop_progress: true })
    await run({ metadata: { faults: { drop_progress: false, drop_complete: true } } })
    await ended(local, 'COMPLETED')
    expect(kinds(service)).toEqual(['progress'])
    service.reports.length = 0
    await local.setFaults({ drop_progress: true, jobs: { 'job-2': { drop_complete: false } } })
    await run({ job_id: 'job-2', metadata: { faults: { drop_complete: true } } })
    await eventually(() => expect(kinds(service)).toEqual(['complete']))
  })

  it('refuses to start with unusable ones', async () => {
    await expect(startLocal({ faults: { typo: 1 } })).rejects.toThrow('Unusable fault switches: typo')
  })
})

describe('webhook', () => {
  it('can be dropped', async () => {
    const { local, service, run } = await setUp({ webhook: { drop: true } })
    await run()
    await ended(local, 'COMPLETED')
    await eventually(() => expect(local.lines.join('\n')).toContain('webhook.dropped'))
    expect(service.webhooks).toEqual([])
  })

  it('can be sent twice', async () => {
    const { service, run } = await setUp({ webhook: { duplicate: true } })
    await run()
    await eventually(() => expect(service.webhooks).toHaveLength(2))
    expect(service.webhooks[1]).toEqual(service.webhooks[0])
  })

  it('can be late', async () => {
    const { local, service, run } = await setUp({ webhook: { delay_ms: 300 } })
    await run()
    const job = await ended(local, 'COMPLETED')
    expect(service.webhooks).toEqual([])
    const sent = await eventually(async () => {
      const [delivery] = (await onlyJob(local)).webhook as { at: string }[]
      if (delivery === undefined) throw new Error('not sent yet')
      return delivery
    })
    expect(Date.parse(sent.at) - Date.parse(String(job.ended_at))).toBeGreaterThanOrEqual(295)
  })

  it('can be sent for a cancelled job too', async () => {
    const { local, service, run } = await setUp({ stall: {}, webhook: { on_cancel: true } })
    const { body } = await run()
    await local.reaches(String(body.id), 'IN_PROGRESS')
    await local.post(`/cancel/${body.id}`)
    await eventually(() => expect(service.webhooks).toMatchObject([{ status: 'CANCELLED' }]))
  })
})

describe('cancel', () => {
  it('ignore: RunPod says CANCELLED, the worker runs to its end and reports, even when told to stop', async () => {
    const { local, service, run } = await setUp({ cancel: 'ignore', stall: { at_progress: 40, ms: 200 } })
    service.answer = () => ({ status: 200, body: { cancel: true } })
    const { body } = await run()
    await local.reaches(String(body.id), 'IN_PROGRESS')
    expect((await local.post(`/cancel/${body.id}`)).body).toEqual({ id: body.id, status: 'CANCELLED' })
    expect(await onlyJob(local)).toMatchObject({ status: 'CANCELLED', worker_running: true })
    await eventually(() => expect(service.of('complete')).toHaveLength(1))
    expect(service.stored.size).toBe(1)
    expect(await ended(local, 'CANCELLED')).toMatchObject({ runs: [{ outcome: 'completed' }] })
  })

  it('refuse: answers 500 and the job runs on', async () => {
    const { local, run } = await setUp({ cancel: 'refuse' })
    const { body } = await run()
    expect((await local.post(`/cancel/${body.id}`)).status).toBe(500)
    await ended(local, 'COMPLETED')
  })
})

describe('run', () => {
  it.each([
    [429, { retry_after_seconds: 7 }, '7'],
    [500, {}, null],
  ])('answers %i as often as told, and takes no job', async (status, more, retryAfter) => {
    const { local, run } = await setUp({ run: { status, times: 2, ...more } })
    const first = await fetch(`${local.endpoint}/run`, {
      method: 'POST',
      headers: { authorization: 'Bearer local-key' },
      body: JSON.stringify({ input: { n: 1 } }),
    })
    expect([first.status, first.headers.get('retry-after')]).toEqual([status, retryAfter])
    expect((await run()).status).toBe(status)
    expect(await local.jobs()).toEqual([])
    expect((await run()).status).toBe(200)
  })

  it('counts switches of one job for that job alone', async () => {
    const { run } = await setUp({ jobs: { 'job-1': { run: { status: 500, times: 1 } } } })
    expect((await run({ job_id: 'job-2' })).status).toBe(200)
    expect((await run()).status).toBe(500)
    expect((await run()).status).toBe(200)
  })

  it('starts every count anew when switches are set', async () => {
    const { local, run } = await setUp({ run: { status: 500, times: 1 } })
    expect((await run()).status).toBe(500)
    expect((await run()).status).toBe(200)
    await local.setFaults({ run: { status: 500, times: 1 } })
    expect((await run()).status).toBe(500)
  })

  it('accepts a job and loses the answer', async () => {
    const { local, service, run } = await setUp({ run: { lose_answer: true, times: 1 } })
    await expect(run()).rejects.toThrow('fetch failed')
    await ended(local, 'COMPLETED')
    expect(service.of('complete')).toHaveLength(1)
    expect((await run()).status).toBe(200)
  })

  it('answers late, with the job long accepted', async () => {
    const { local, run } = await setUp({ run: { delay_ms: 400 } })
    const startedAt = Date.now()
    const answer = run().then(({ status }) => [status, Date.now() - startedAt])
    await ended(local, 'COMPLETED')
    const [status, took] = await answer
    expect(status).toBe(200)
    expect(took).toBeGreaterThanOrEqual(395)
  })
})

it('forget: status and cancel answer 404 while the worker runs on', async () => {
  const { local, service, run } = await setUp({})
  await local.setFaults({ jobs: { 'job-1': { forget: true } } })
  const { body } = await run()
  expect((await local.get(`/status/${body.id}`)).status).toBe(404)
  expect((await local.post(`/cancel/${body.id}`)).status).toBe(404)
  await eventually(() => expect(service.of('complete')).toHaveLength(1))
  await local.setFaults({})
  expect((await local.get(`/status/${body.id}`)).status).toBe(200)
})

it('hold_queue: no worker takes a job until it is let go', async () => {
  const { local, run } = await setUp({ hold_queue: true })
  const { body } = await run()
  expect((await local.get('/health')).body).toMatchObject({
    jobs: { inQueue: 1 },
    workers: { idle: 0, ready: 0, throttled: 1 },
  })
  await local.setFaults({ hold_queue: true })
  expect((await local.get(`/status/${body.id}`)).body.status).toBe('IN_QUEUE')
  await local.setFaults({})
  await ended(local, 'COMPLETED')
})

it('hold_queue for one job lets the others pass it', async () => {
  const { local, run } = await setUp({ jobs: { 'job-1': { hold_queue: true } } })
  const held = await run()
  const other = await run({ job_id: 'job-2' })
  await local.reaches(String(other.body.id), 'COMPLETED')
  expect((await local.get(`/status/${held.body.id}`)).body.status).toBe('IN_QUEUE')
})

it('timed_out: an execution timeout is called TIMED_OUT, as the docs have it', async () => {
  const { local, service } = await setUp({ timed_out: true, stall: {} })
  const policy = { executionTimeout: 50 }
  await local.post('/run', { input: service.input('overlay', {}), policy })
  await ended(local, 'TIMED_OUT')
})

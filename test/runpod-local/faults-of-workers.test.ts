import { describe, expect, it } from 'vitest'
import { eventually } from '../support/node/runpod-local/local.ts'
import { ended, kinds, setUp } from '../support/node/runpod-local/noop.ts'

describe('reports', () => {
  it.each([
    ['drop_progress', ['complete']],
    ['drop_complete', ['progress']],
  ])('%s leaves only the others', async (name, left) => {
    const { local, service, run } = await setUp({ [name]: true })
    await run()
    await ended(local, 'COMPLETED')
    expect(kinds(service)).toEqual(left)
    expect(service.stored.size).toBe(1)
  })

  it('drop_error leaves the service in the dark', async () => {
    const { local, service, run } = await setUp({ drop_error: true, fail: {} })
    await run()
    await ended(local, 'FAILED')
    expect(service.of('error')).toEqual([])
  })
})

describe('stall', () => {
  it('keeps a job IN_PROGRESS without a word for ever', async () => {
    const { local, service, run } = await setUp({ stall: { at_progress: 40 } }, { heartbeatMs: 5 })
    const { body } = await run()
    await eventually(async () =>
      expect((await local.get(`/status/${body.id}`)).body).toMatchObject({ output: { progress: 95 } }),
    )
    const silentAt = service.reports.length
    await local.setFaults({ stall: { at_progress: 40 } })
    expect((await local.get(`/status/${body.id}`)).body.status).toBe('IN_PROGRESS')
    expect(service.reports).toHaveLength(silentAt)
    expect(Math.max(...service.of('progress').map((report) => Number(report.body.progress)))).toBeLessThan(40)
    await local.post(`/cancel/${body.id}`)
    await ended(local, 'CANCELLED')
    expect(service.stored.size).toBe(0)
  })

  it('lasts as long as it is told, then the worker goes on', async () => {
    const { local, service, run } = await setUp({ stall: { at_progress: 40, ms: 300 } })
    await run()
    await ended(local, 'COMPLETED')
    const times = service.reports.map(({ at }) => at)
    const gaps = times.slice(1).map((at, nth) => at - (times[nth] ?? at))
    expect(Math.max(...gaps)).toBeGreaterThanOrEqual(250)
    expect(service.of('complete')).toHaveLength(1)
  })
})

it('stall: the worker speaks again while it still renders, and an error waits for that', async () => {
  const long = { noopReports: 100, noopIntervalMs: 5 }
  const { local, service, run } = await setUp({ stall: { at_progress: 10, ms: 100 } }, long)
  await run()
  await ended(local, 'COMPLETED')
  const percents = service.of('progress').map(({ body }) => Number(body.progress))
  expect(percents.filter((percent) => percent > 50 && percent < 95).length).toBeGreaterThan(3)
  await local.setFaults({ stall: { ms: 200 }, fail: {} })
  const { body } = await run({ job_id: 'failing' })
  await local.reaches(String(body.id), 'FAILED')
  const at = service.of('error')[0]?.at ?? 0
  const [failing] = ((await local.jobs())[1]?.runs ?? []) as { started_at: string }[]
  const startedAt = Date.parse(failing?.started_at ?? '')
  expect(at - startedAt).toBeGreaterThanOrEqual(195)
})

describe('crash', () => {
  it('is dispatched again once and then completes', async () => {
    const { local, service, run } = await setUp({ crash: { at_progress: 40, times: 1 } })
    await run()
    const job = await ended(local, 'COMPLETED')
    expect(job).toMatchObject({ retries: 1, runs: [{ outcome: 'lost' }, { outcome: 'completed' }] })
    expect(service.of('error')).toEqual([])
    await eventually(() => expect(service.webhooks).toMatchObject([{ status: 'COMPLETED', retries: 1 }]))
  })

  it('ends as RunPod ends it when it happens each time', async () => {
    const { local, service, run } = await setUp({ crash: { at_progress: 0 } })
    await run()
    const job = await ended(local, 'FAILED')
    expect(job).toMatchObject({ error: 'job timed out after 1 retries', runs: [{}, {}] })
    expect(service.stored.size).toBe(0)
    expect([...service.of('error'), ...service.of('complete')]).toEqual([])
  })
})

it('fail: the first n attempts of a job by its Exportal id, whatever else runs', async () => {
  const { local, service, run } = await setUp({ fail: { times: 2 } })
  const statuses: unknown[] = []
  for (const attempt of [1, 2, 3]) {
    const { body } = await run({ attempt })
    await local.get(`/status-sync/${body.id}`)
    statuses.push((await local.get(`/status/${body.id}`)).body.status)
  }
  const other = await run({ job_id: 'other' })
  await local.get(`/status-sync/${other.body.id}`)
  expect(statuses).toEqual(['FAILED', 'FAILED', 'COMPLETED'])
  expect((await local.get(`/status/${other.body.id}`)).body.status).toBe('FAILED')
  expect(service.of('error')[0]?.body).toMatchObject({
    error: 'Failed on purpose, by a fault switch.',
    should_retry: true,
    code: 'worker_error',
  })
})

it('fail: with a code, a message and no retry', async () => {
  const { service, run } = await setUp({
    fail: { code: 'out_of_memory', message: 'No memory.', should_retry: false },
  })
  await run()
  const wanted = { code: 'out_of_memory', error: 'No memory.', should_retry: false }
  await eventually(() => expect(service.of('error')[0]?.body).toMatchObject(wanted))
})

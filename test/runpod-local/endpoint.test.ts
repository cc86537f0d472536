import { expect, it } from 'vitest'
import { AttachedWorkers } from '../../runpod-local/attached.ts'
import { Endpoint, type EndpointOptions } from '../../runpod-local/endpoint.ts'
import { FaultSwitches } from '../../runpod-local/faults.ts'
import { envelope, type Job, type JsonObject } from '../../runpod-local/job.ts'
import { WorkerLost } from '../../runpod-local/outcome.ts'
import type { WorkerJob } from '../../runpod-local/workers.ts'
import { ManualClock } from '../support/node/runpod-local/manual-clock.ts'

const MINUTE = 60_000

/** An endpoint with a manual clock, whose handler is settled manually. */
function setUp(options: Partial<EndpointOptions> = {}) {
  const clock = new ManualClock()
  const taken: { job: WorkerJob; finish: (value: unknown) => void; fail: (error: unknown) => void }[] = []
  const told: JsonObject[] = []
  const faults = new FaultSwitches()
  const endpoint = new Endpoint({
    count: 1,
    clock,
    attached: new AttachedWorkers({ clock, lostWorkerMs: 40_000 }),
    faults,
    log: () => {},
    lostWorkerMs: 40_000,
    retentionMs: 30 * MINUTE,
    syncRetentionMs: MINUTE,
    handler(job) {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>()
      taken.push({ job, finish: resolve, fail: reject })
      return promise
    },
    onEnd: (_job, body) => told.push(body),
    ...options,
  })
  const submit = (more: Partial<Job['request']> = {}, sync = false) =>
    endpoint.submit(
      { input: { n: 1 }, webhook: null, executionTimeoutMs: 10 * MINUTE, ttlMs: 24 * 60 * MINUTE, ...more },
      sync,
    )
  /** The run with this number, from 0, once the handler has received it. */
  const run = async (nth: number) => {
    await settled()
    const found = taken[nth]
    if (found === undefined) throw new Error(`run ${nth} was not started`)
    return found
  }
  return { endpoint, clock, faults, taken, told, submit, run }
}

/** Lets the callbacks of settled promises run. */
const settled = () => new Promise((done) => setImmediate(done))

it('hands jobs out first come first served, as many as it has workers', async () => {
  const { submit, run, taken } = setUp({ count: 2 })
  const jobs = [submit(), submit(), submit(), submit()]
  await settled()
  expect(jobs.map((job) => job.status)).toEqual(['IN_PROGRESS', 'IN_PROGRESS', 'IN_QUEUE', 'IN_QUEUE'])
  ;(await run(1)).finish('x')
  await settled()
  expect(taken.map(({ job }) => job.id)).toEqual(jobs.slice(0, 3).map((job) => job.id))
})

it('counts the wait in the queue and the time on a worker apart', async () => {
  const { submit, run, clock } = setUp()
  submit()
  const second = submit()
  clock.advance(5_000)
  ;(await run(0)).finish('x')
  await settled()
  clock.advance(2_000)
  ;(await run(1)).finish('y')
  await settled()
  expect(envelope(second, clock.now())).toMatchObject({ delayTime: 5_000, executionTime: 2_000 })
})

it('deletes a job at its ttl even while it runs, stops its worker, and tells no webhook', async () => {
  const { endpoint, submit, run, clock, told } = setUp()
  const job = submit({ ttlMs: 20_000, webhook: 'http://127.0.0.1/hook' })
  const { job: given, finish } = await run(0)
  clock.advance(19_999)
  expect(endpoint.find(job.id)).toBe(job)
  expect(given.signal.aborted).toBe(false)
  clock.advance(1)
  expect(endpoint.find(job.id)).toBeUndefined()
  expect(given.signal.aborted).toBe(true)
  finish('too late')
  await settled()
  expect(told).toEqual([])
  expect(endpoint.history()[0]).toMatchObject({ id: job.id, deletedAt: clock.now() })
})

it('deletes a queued job at its ttl, and it never runs', async () => {
  const { endpoint, submit, run, clock, taken } = setUp()
  submit()
  const queued = submit({ ttlMs: 20_000 })
  clock.advance(20_000)
  expect(endpoint.find(queued.id)).toBeUndefined()
  ;(await run(0)).finish('x')
  await settled()
  expect(taken).toHaveLength(1)
})

it('fails a job that runs longer than its executionTimeout, counted from the worker on', async () => {
  const { submit, run, clock, told } = setUp()
  submit()
  const job = submit({ executionTimeoutMs: 5_000 })
  clock.advance(8 * MINUTE)
  ;(await run(0)).finish('x')
  const { job: given } = await run(1)
  clock.advance(4_999)
  expect(job.status).toBe('IN_PROGRESS')
  clock.advance(1)
  expect(job).toMatchObject({ status: 'FAILED', error: 'executionTimeout exceeded' })
  expect(given.signal.aborted).toBe(true)
  expect(told.at(-1)).toMatchObject({ id: job.id, status: 'FAILED', error: 'executionTimeout exceeded' })
})

it('keeps a result for 30 minutes, that of runsync for one', async () => {
  const { endpoint, submit, run, clock } = setUp()
  const job = submit()
  ;(await run(0)).finish('x')
  const sync = submit({}, true)
  ;(await run(1)).finish('y')
  await settled()
  clock.advance(MINUTE - 1)
  expect(endpoint.find(sync.id)).toBe(sync)
  clock.advance(1)
  expect(endpoint.find(sync.id)).toBeUndefined()
  clock.advance(29 * MINUTE - 1)
  expect(endpoint.find(job.id)).toBe(job)
  clock.advance(1)
  expect(endpoint.find(job.id)).toBeUndefined()
  expect(clock.pending).toBe(0)
})

it('dispatches a job again after its worker was lost, and fails it when that is lost too', async () => {
  const { endpoint, submit, run, clock, told } = setUp()
  const job = submit({ webhook: 'http://127.0.0.1/hook' })
  ;(await run(0)).fail(new WorkerLost('gone'))
  await settled()
  clock.advance(39_999)
  expect(job.status).toBe('IN_PROGRESS')
  clock.advance(1)
  const second = await run(1)
  expect(second.job.id).toBe(job.id)
  expect(envelope(job, clock.now())).toMatchObject({ status: 'IN_PROGRESS', retries: 1, delayTime: 0 })
  expect(endpoint.health()).toMatchObject({ jobs: { retried: 1 } })
  second.fail(new WorkerLost('gone again'))
  await settled()
  clock.advance(40_000)
  const ended = { status: 'FAILED', error: 'job timed out after 1 retries', retries: 1 }
  expect(told).toEqual([expect.objectContaining(ended)])
})

it('never hands out a job with an empty input, and fails it as if two workers had been lost', () => {
  const { submit, clock, taken } = setUp()
  const job = submit({ input: {} })
  clock.advance(80_000)
  expect(job).toMatchObject({ status: 'FAILED', error: 'job timed out after 1 retries', retries: 1 })
  expect(taken).toEqual([])
})

it('ignores updates and results that come after the end', async () => {
  const { endpoint, submit, run, told } = setUp()
  const job = submit()
  const { job: given, finish } = await run(0)
  endpoint.cancel(job)
  given.update({ progress: 50 })
  given.stream('part')
  finish({ done: true })
  await settled()
  expect(job).toMatchObject({ status: 'CANCELLED', output: undefined, parts: [] })
  expect(told).toEqual([])
})

it('keeps a worker busy until its handler is really gone', async () => {
  const { endpoint, submit, run } = setUp()
  const first = submit()
  const { finish } = await run(0)
  const second = submit()
  endpoint.cancel(first)
  expect(second.status).toBe('IN_QUEUE')
  expect(endpoint.health()).toMatchObject({ workers: { running: 1, idle: 0 } })
  finish(null)
  await run(1)
  expect(second.status).toBe('IN_PROGRESS')
})

it('hands a job out again at once when the answer to an attached worker did not get through', async () => {
  const clock = new ManualClock()
  const attached = new AttachedWorkers({ clock, lostWorkerMs: 40_000 })
  const { submit, endpoint } = setUp({ count: 0, clock, attached })
  const job = submit()
  const { signal } = new AbortController()
  const poll = async (workerId: string) => {
    const handed = attached.poll(workerId, 1, 30_000, signal)
    endpoint.pump()
    return handed
  }
  for (const { retries, status } of [
    { retries: 1, status: 'IN_QUEUE' },
    { retries: 1, status: 'FAILED' },
  ]) {
    const { jobs, undelivered } = await poll('worker-1')
    expect(jobs).toMatchObject([{ id: job.id }])
    undelivered()
    await settled()
    clock.advance(0)
    expect(job).toMatchObject({ retries, status })
  }
  expect(job.error).toBe('job timed out after 1 retries')
  expect(clock.pending).toBe(2)
})

it('drops an empty object as output and keeps null', async () => {
  const { submit, run } = setUp()
  const jobs = [submit(), submit()]
  ;(await run(0)).finish({})
  ;(await run(1)).finish(undefined)
  await settled()
  expect(jobs.map((job) => job.output)).toEqual([undefined, null])
})

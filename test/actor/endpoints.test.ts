/** The settings name another endpoint than the one that accepted the attempt: only the latter is called about it. */
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { aPolicy } from '../support/node/builders.ts'
import {
  type ActorHandle,
  ANYONE,
  aCreatedJob,
  completed,
  progress,
  ringUntil,
  ringWhenDue,
  storeOutput,
} from '../support/workerd/actors.ts'
import { pass, SECOND, useFarFutureClock } from '../support/workerd/clock.ts'

useFarFutureClock()

/** The endpoint to which the attempt of each test was sent, before the settings changed to `NOW`. */
const BEFORE = 'https://runpod.test/v2/before'
const NOW = String(env.RUNPOD_ENDPOINT)
const RUN_ID = 'rp-1-u1'

/** The calls, as `POST before/run`; and how each endpoint answers. */
let calls: string[] = []
let status = 'IN_QUEUE'
let isOurs = true

beforeEach(() => {
  calls = []
  status = 'IN_QUEUE'
  isOurs = true
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const { pathname } = new URL(String(input))
    const [, , endpoint = '', verb = ''] = pathname.split('/')
    calls.push(`${init?.method ?? 'GET'} ${endpoint}/${verb}`)
    if (verb === 'run') return Response.json({ id: RUN_ID, status: 'IN_QUEUE' })
    const unknown = new Response('{}', { status: 404 })
    // An endpoint that never accepted the job answers like one of another account.
    if (endpoint === 'before' && !isOurs) return unknown
    if (verb === 'health') return Response.json({ jobs: {}, workers: {} })
    if (endpoint !== 'before') return unknown
    if (verb === 'cancel') status = 'CANCELLED'
    return Response.json({ id: RUN_ID, status })
  })
})

const asked = (verb: string) => calls.filter((call) => call.endsWith(`/${verb}`))

/** A job whose attempt RunPod accepted while the settings named `BEFORE`. */
async function aMovedJob(): Promise<ActorHandle> {
  const job = await aCreatedJob()
  await job.ring()
  await runInDurableObject(job.stub, (_, { storage }) => {
    const { state } = storage.sql.exec<{ state: string }>('SELECT state FROM job').one()
    expect(state).toContain(`"url":"${NOW}"`)
    storage.sql.exec('UPDATE job SET state = ?', state.replaceAll(`"url":"${NOW}"`, `"url":"${BEFORE}"`))
  })
  await job.evict()
  calls = []
  return job
}

describe('An attempt that was sent elsewhere', () => {
  it('is polled there while it waits in the queue, and not sent again', async () => {
    const job = await aMovedJob()
    await ringUntil(job, () => asked('status').length >= 3)
    expect(new Set(calls)).toEqual(new Set(['GET before/status', 'GET before/health']))
    expect(await job.job()).toMatchObject({ status: 'queued', attempt: 1 })
  })

  it('is polled there while it runs, and completes', async () => {
    const job = await aMovedJob()
    await job.report(progress(10))
    status = 'IN_PROGRESS'
    await ringUntil(job, () => calls.length > 0)
    expect(calls).toEqual(['GET before/status'])
    await storeOutput(job)
    await job.report(completed())
    await job.ring()
    expect(await job.job()).toMatchObject({ status: 'complete', attempt: 1 })
    expect(asked('run')).toEqual([])
  })

  it('is cancelled there, and confirmed by that endpoint alone', async () => {
    const job = await aMovedJob()
    await job.stub.command({ type: 'cancel', by: 'test' }, ANYONE)
    await job.ring()
    expect(calls).toEqual(['POST before/cancel'])
    expect(await job.job()).toMatchObject({ status: 'cancelled', cancel: { confirmed: true } })
  })

  it('is confirmed by nothing that another account’s key is answered', async () => {
    const job = await aMovedJob()
    isOurs = false
    await job.stub.command({ type: 'cancel', by: 'test' }, ANYONE)
    const asks = 5
    pass(2 * 60 * SECOND)
    for (let ask = 0; ask < asks; ask++) await ringWhenDue(job)
    expect(asked('cancel').length).toBeGreaterThan(1)
    expect(await job.job()).toMatchObject({ status: 'cancelling', cancel: { confirmed: false } })
    isOurs = true
    await ringWhenDue(job)
    expect(await job.job()).toMatchObject({ status: 'cancelled', cancel: { confirmed: true } })
  })

  it('is not given up because another account’s key is answered 404', async () => {
    const job = await aMovedJob()
    isOurs = false
    pass(5 * 60 * SECOND)
    for (let ask = 0; ask < 5; ask++) await ringWhenDue(job)
    expect(await job.job()).toMatchObject({ status: 'queued', attempt: 1 })
    expect(asked('run')).toEqual([])
  })

  it('is followed by one that goes where the settings say', async () => {
    const job = await aMovedJob()
    status = 'FAILED'
    pass(2 * 60 * SECOND)
    while (asked('run').length === 0) await ringWhenDue(job)
    expect(asked('run')).toEqual([`POST ${new URL(NOW).pathname.split('/').at(-1)}/run`])
    expect(await job.job()).toMatchObject({ status: 'queued', attempt: 2, endpoint: 'default' })
  })
})

it('A job whose endpoint has left the settings waits, says so and uses up no attempt', async () => {
  const job = await aCreatedJob({ policy: aPolicy({ endpoint: 'h100' }) })
  for (let ask = 0; ask < 5; ask++) await ringWhenDue(job)
  expect(calls).toEqual([])
  expect(await job.job()).toMatchObject({
    status: 'pending',
    attempt: 0,
    endpoint: 'h100',
    reason: expect.stringContaining('The settings name no RunPod endpoint “h100”.'),
  })
  expect(await job.types()).toEqual(['created', 'dispatch_held'])
})

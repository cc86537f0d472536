/** Jobs of an endpoint with one place, and its lane: which job is sent, which wait, and that no place is lost. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import { aPolicy } from '../support/node/builders.ts'
import {
  type ActorHandle,
  ANYONE,
  aCreatedJob,
  completed,
  FakeRunpod,
  progress,
  ringWhenDue,
  storeOutput,
} from '../support/workerd/actors.ts'
import { HOUR, MINUTE, pass, SECOND, useFarFutureClock } from '../support/workerd/clock.ts'
import { birthRow } from '../support/workerd/rows.ts'

useFarFutureClock()

const lane = () => env.LANE.getByName('single')
const aJob = () => aCreatedJob({ policy: aPolicy({ endpoint: 'single' }) })

/** The lane calls jobs in the background: an offer, or its question after a place, lets the alarm ring. */
async function offered(job: ActorHandle): Promise<void> {
  for (let looks = 0; looks < 50; looks++) {
    if (((await job.alarmAt()) ?? Number.POSITIVE_INFINITY) <= Date.now()) return
    await lane().inspect()
  }
  throw new Error('The lane has not called.')
}

async function completes(job: ActorHandle): Promise<void> {
  await job.report(progress(10))
  await storeOutput(job)
  await job.report(completed())
  for (let rings = 0; rings < 20 && !(await job.job()).finished_at; rings++) {
    await job.ring()
    pass(SECOND)
  }
  const runs = (await lane().inspect()).holders.map(({ job_id }) => job_id)
  if (runs.includes(job.id)) await job.ring()
}

async function cancelled(job: ActorHandle): Promise<void> {
  await job.stub.command({ type: 'cancel', by: 'test' }, ANYONE)
  for (let rings = 0; rings < 5 && (await job.alarmAt()) !== null; rings++) {
    pass(SECOND)
    await job.ring()
  }
}

describe('An endpoint with one place', () => {
  it('has one job at RunPod; the next reads how many are ahead, and goes when the place is free', async () => {
    const runpod = new FakeRunpod().install()
    const [first, second, third] = [await aJob(), await aJob(), await aJob()]
    for (const job of [first, second, third]) {
      await job.ring()
      pass(SECOND)
    }
    expect(runpod.count('/run')).toBe(1)
    expect(await first.job()).toMatchObject({ status: 'queued', queue: null })
    expect(await second.job()).toMatchObject({ status: 'pending', queue: { ahead: 0, ahead_of_project: 0 } })
    expect(await third.job()).toMatchObject({
      attempt: 0,
      queue: { ahead: 1, ahead_of_project: 1, paused: false },
      reason: 'Waiting for a place: 1 export is ahead, 1 of them of this project.',
    })
    await completes(first)
    await offered(second)
    await second.ring()
    expect(runpod.count('/run')).toBe(2)
    expect(await second.job()).toMatchObject({ status: 'queued' })
    expect(await lane().inspect()).toMatchObject({
      holders: [{ job_id: second.id }],
      waiting: 1,
    })
    await cancelled(third)
    await cancelled(second)
    expect(await lane().inspect()).toMatchObject({ holders: [], waiting: 0 })
  })

  it('writes two rows for a place that is lent and given back while nobody waits', async () => {
    new FakeRunpod().install()
    const rows = () =>
      runInDurableObject(lane(), (_, { storage }) => {
        const [row] = storage.sql.exec<{ changes: number }>('SELECT total_changes() AS changes').toArray()
        return row?.changes ?? 0
      })
    const before = await rows()
    const job = await aJob()
    await job.ring()
    expect(await rows()).toBe(before + 1)
    await cancelled(job)
    expect(await rows()).toBe(before + 2)
    expect(await lane().inspect()).toMatchObject({ holders: [] })
  })

  it('takes a place back of which its job holds nothing', async () => {
    new FakeRunpod().install()
    const ref = { jobId: crypto.randomUUID(), round: 1, dispatch: 1 }
    const until = Date.now() + 60 * MINUTE
    await lane().ask({ ...ref, version: 1, projectId: 1, priority: 0, until })
    await evictDurableObject(lane())
    const job = await aJob()
    await job.ring()
    expect(await job.job()).toMatchObject({ status: 'pending', queue: { ahead: 0 } })
    pass(3 * MINUTE + SECOND)
    await runInDurableObject(lane(), (instance) => instance.alarm?.())
    await offered(job)
    await job.ring()
    expect(await job.job()).toMatchObject({ status: 'queued' })
    await cancelled(job)
  })

  it('passes an offer on when nobody came, though it leaves memory in between', async () => {
    new FakeRunpod().install()
    const [holder, silent, next] = [await aJob(), await aJob(), await aJob()]
    // Twice, for their rows in the list as well: from then on both only wait for a place.
    for (let rings = 0; rings < 2; rings++) {
      for (const job of [holder, silent, next]) {
        await job.ring()
        pass(20 * SECOND)
      }
    }
    await cancelled(holder)
    await offered(silent)
    // The alarm of `silent` does not ring.
    for (let rings = 0; rings < 2; rings++) {
      await evictDurableObject(lane())
      pass(31 * SECOND)
      await runDurableObjectAlarm(lane())
    }
    await offered(next)
    await next.ring()
    expect(await next.job()).toMatchObject({ status: 'queued' })
    await cancelled(next)
    await cancelled(silent)
  })

  it('repeats an offer that may not have arrived when it is in memory again', async () => {
    new FakeRunpod().install()
    const [holder, next] = [await aJob(), await aJob()]
    for (let rings = 0; rings < 2; rings++) {
      for (const job of [holder, next]) await job.ring()
      pass(MINUTE)
    }
    await cancelled(holder)
    await offered(next)
    await runInDurableObject(next.stub, (_, { storage }) => storage.setAlarm(Date.now() + HOUR))
    await next.evict()
    await evictDurableObject(lane())
    await offered(next)
    await next.ring()
    expect(await next.job()).toMatchObject({ status: 'queued' })
    await cancelled(next)
  })

  it('has a lost alarm set again by its question, as the sweep finds no job while D1 is down', async () => {
    new FakeRunpod().install()
    const [job, next] = [await aJob(), await aJob()]
    await job.ring()
    await next.ring()
    await runInDurableObject(job.stub, (_, { storage }) => storage.deleteAlarm())
    pass(3 * MINUTE + SECOND)
    await runInDurableObject(lane(), (instance) => instance.alarm?.())
    await offered(job)
    await cancelled(next)
    await cancelled(job)
  })

  it('sends nobody while RunPod refuses, though the job waits by itself as well', async () => {
    const runpod = new FakeRunpod().install()
    runpod.answers.set('/run', () => new Response('{}', { status: 401 }))
    const [first, second] = [await aJob(), await aJob()]
    await first.ring()
    await second.ring()
    expect(runpod.count('/run')).toBe(1)
    expect((await second.job()).reason).toMatch(
      /^RunPod refuses this deployment’s key \(401\) since .+; next try .+\. 1 job waits\.$/,
    )
    runpod.answers.clear()
    await lane().resume({ by: 'ann@example.com', reason: 'mended' })
    await offered(second)
    await second.ring()
    expect(await second.job()).toMatchObject({ status: 'queued' })
    for (const job of [first, second]) await cancelled(job)
  })

  it('commits RunPod’s id though the lane has not heard yet that RunPod takes jobs again', async () => {
    const runpod = new FakeRunpod().install()
    runpod.answers.set('/run', () => new Response('{}', { status: 503 }))
    const job = await aJob()
    await job.ring()
    runpod.answers.clear()
    pass(10 * SECOND)
    const heard = Promise.withResolvers<void>()
    const real = env.LANE.getByName.bind(env.LANE)
    const slowly = (name: string) =>
      new Proxy(real(name), {
        get: (stub, verb) => (verb === 'outcome' ? () => heard.promise : Reflect.get(stub, verb)),
      })
    const lanes = vi.spyOn(env.LANE, 'getByName').mockImplementation(slowly)
    const faults = vi.spyOn(console, 'error')
    await job.ring()
    expect(faults).not.toHaveBeenCalled()
    expect(await job.job()).toMatchObject({ status: 'queued', runpod_job_id: 'rp-2-u1' })
    heard.resolve()
    lanes.mockRestore()
    await cancelled(job)
  })
})

it('A job that waits long for a place is not taken for one whose alarm was lost', async () => {
  new FakeRunpod().install()
  const [holder, waiting] = [await aJob(), await aJob()]
  await birthRow(waiting.id)
  await holder.ring()
  const row = () =>
    env.DB.prepare('SELECT due_at, waiting_since FROM export_jobs WHERE id = ?')
      .bind(waiting.id)
      .first<{ due_at: number; waiting_since: number | null }>()
  const end = Date.now() + 3 * HOUR
  await waiting.ring()
  while (Date.now() < end) {
    pass(Math.max(SECOND, ((await waiting.alarmAt()) ?? 0) - Date.now()))
    await waiting.ring()
    expect((await row())?.waiting_since).not.toBeNull()
    expect((await row())?.due_at).toBeGreaterThan(Date.now() + MINUTE)
  }
  await cancelled(waiting)
  await cancelled(holder)
})

it.each(['default', 'single'])(
  'A job of %s goes without its lane, though its actor leaves memory',
  async (endpoint) => {
    const runpod = new FakeRunpod().install()
    const down = () => Promise.reject(new Error('The lane is down.'))
    const lanes = vi
      .spyOn(env.LANE, 'getByName')
      .mockImplementation((() => ({ ask: down, took: down, release: down, outcome: down })) as never)
    const job = await aCreatedJob({ policy: aPolicy({ endpoint }) })
    const createdAt = Date.now()
    while (runpod.count('/run') === 0 && Date.now() - createdAt < MINUTE) {
      await ringWhenDue(job)
      // Idle for ten seconds: developers.cloudflare.com/durable-objects/concepts/durable-object-lifecycle
      if (((await job.alarmAt()) ?? 0) - Date.now() >= 10 * SECOND) await job.evict()
    }
    expect(runpod.count('/run')).toBe(1)
    expect(Date.now() - createdAt).toBe(15 * SECOND)
    lanes.mockRestore()
    await cancelled(job)
  },
)

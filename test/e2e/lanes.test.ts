/**
 * Lanes with real processes: two projects that share four places, the positions of waiting jobs, and the death of all
 * processes while jobs wait. `LANES=full` has as many jobs as a busy day.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createExports } from '../../client/index.ts'
import { eventually } from '../support/eventually.ts'
import { type StartedStack, startStack } from '../support/node/started-stack.ts'

const isFull = process.env.LANES === 'full'
const MANY = isFull ? 200 : 24
const PLACES = 4

type Client = ReturnType<typeof createExports>

/** @param places null: without a limit, so that all jobs are in RunPod's queue */
function start(places: number | null): Promise<StartedStack> {
  return startStack('lanes', {
    runpodEnv: {
      RUNPOD_LOCAL_WORKER: 'noop',
      RUNPOD_LOCAL_WORKERS: String(PLACES),
      RUNPOD_LOCAL_NOOP_REPORTS: '1',
      RUNPOD_LOCAL_NOOP_INTERVAL_MS: '300',
    },
    ...(places !== null && { places }),
  })
}

async function aCreator(client: Client) {
  const inputs = new Map<number, string>()
  for (const projectId of [1, 2, 3]) {
    const file = new Blob(['a video'], { type: 'video/mp4' })
    const { video_key } = await client.uploadVideo(file, { projectId, filename: 'clip.mp4' })
    inputs.set(projectId, video_key)
  }
  return async (projectId: number, priority = 0) => {
    const body = {
      project_id: projectId,
      type: 'transcode' as const,
      input_video_key: inputs.get(projectId) ?? '',
      policy: { priority },
    }
    return (await client.jobs.create(body)).job_id
  }
}

async function happenedAt(client: Client, jobId: string, what: string): Promise<number> {
  const { events } = await client.jobs.events(jobId)
  return Date.parse(events.find(({ type }) => type === what)?.at ?? '')
}

/** From its creation until a worker runs it: of the first job and of the last. */
async function waitOf(client: Client, jobs: readonly string[]): Promise<string> {
  const waits = await Promise.all(
    jobs.map(
      async (id) => (await happenedAt(client, id, 'processing')) - (await happenedAt(client, id, 'created')),
    ),
  )
  const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`
  return `${seconds(Math.min(...waits))} to ${seconds(Math.max(...waits))}, behind ${MANY} of the first`
}

describe('An endpoint with four places', () => {
  let started: StartedStack | undefined
  let client: Client
  let create: Awaited<ReturnType<typeof aCreator>>

  beforeAll(async () => {
    started = await start(PLACES)
    client = createExports({ baseUrl: started.stack.url })
    create = await aCreator(client)
  })
  afterAll(() => started?.stop())

  const createMany = (projectId: number, count: number) =>
    Promise.all(Array.from({ length: count }, () => create(projectId)))
  const act = async (path: string, action: string) => {
    const answer = await fetch(`${started?.stack.url}/api/admin/${path}/actions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ action, reason: 'To see what waits.' }),
    })
    expect(answer.status).toBe(200)
  }

  it('serves the few jobs of another project among the next, and has no more than its places at RunPod', async () => {
    const ofTheFirst = await createMany(1, MANY)
    const askedAt = Date.now()
    const ofTheSecond = await createMany(2, 5)
    const all = [...ofTheFirst, ...ofTheSecond]
    for (const id of all)
      expect(await client.jobs.waitFor(id)).toMatchObject({ status: 'complete', attempt: 1 })
    const grants = await Promise.all(
      all.map(async (id) => ({ id, at: await happenedAt(client, id, 'attempt_started') })),
    )
    const after = grants.filter(({ at }) => at >= askedAt).sort((a, b) => a.at - b.at)
    const last = after.findLastIndex(({ id }) => ofTheSecond.includes(id))
    const before = after.slice(0, last + 1).filter(({ id }) => ofTheFirst.includes(id)).length
    console.log(`the last of five was granted after ${before} of the other project, of ${MANY}`)
    // Places offered to the first project before the second one began to wait are not withdrawn.
    expect(before).toBeLessThanOrEqual(6 + PLACES)
    console.log(`with lanes the other project waited ${await waitOf(client, ofTheSecond)}`)
  })

  it('says how many are ahead: more when another project or a higher priority joins, and none at last', async () => {
    await act('lanes/default', 'pause')
    /** The position in an answer of the lane that was later than all those read before. */
    const aheadOf = async (id: string) => {
      const since = Date.now()
      await act(`jobs/${id}`, 'retry_now')
      await eventually(async () => Date.parse((await client.jobs.get(id)).queue?.as_of ?? '') >= since)
      return (await client.jobs.get(id)).queue?.ahead
    }
    const waits = async (projectId: number, priority?: number) => {
      const id = await create(projectId, priority)
      await eventually(async () => (await client.jobs.get(id)).queue != null)
      return id
    }
    const ofTheFirst = [await waits(1), await waits(1), await waits(1)]
    const [next, watched] = [await waits(2), await waits(2)]
    expect(await aheadOf(watched)).toBe(3)
    const later = [await waits(1), await waits(2)]
    expect(await aheadOf(watched)).toBe(3)
    const ofAnother = await waits(3)
    expect(await aheadOf(watched)).toBe(4)
    const urgent = await waits(2, 5)
    expect(await aheadOf(watched)).toBe(6)
    const numbers: (number | undefined)[] = []
    for (const id of [urgent, next, ofAnother, ...ofTheFirst, ...later]) {
      await client.jobs.cancel(id)
      numbers.push(await aheadOf(watched))
    }
    expect(numbers).toEqual(numbers.toSorted((a = 0, b = 0) => b - a))
    await eventually(async () => (await aheadOf(watched)) === 0)
    await act('lanes/default', 'resume')
    expect((await client.jobs.waitFor(watched)).status).toBe('complete')
  })

  it('loses no place when everything is killed while jobs wait and hold', async () => {
    const jobs = await createMany(1, isFull ? 44 : 12)
    for await (const { job } of client.jobs.watch(jobs.at(-1) ?? '')) if (job?.queue) break
    started?.stack.killService()
    started?.stack.killRunpod()
    await started?.stack.start()
    for (const id of jobs) expect((await client.jobs.waitFor(id)).status).toBe('complete')
    const late = await createMany(2, PLACES)
    for (const id of late) expect((await client.jobs.waitFor(id)).status).toBe('complete')
  })
})

it('An endpoint without a limit has the few of the other project wait for all of the first', async () => {
  const { stack, stop } = await start(null)
  try {
    const client = createExports({ baseUrl: stack.url })
    const create = await aCreator(client)
    await Promise.all(Array.from({ length: MANY }, () => create(1)))
    const ofTheSecond = await Promise.all(Array.from({ length: 5 }, () => create(2)))
    for (const id of ofTheSecond) expect((await client.jobs.waitFor(id)).status).toBe('complete')
    console.log(`without lanes the other project waited ${await waitOf(client, ofTheSecond)}`)
  } finally {
    await stop()
  }
})

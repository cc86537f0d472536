import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, it, vi } from 'vitest'
import type { JobRequest } from '../../actors/export-job/core/job.ts'
import { aPolicy } from '../support/node/builders.ts'
import {
  ANYONE,
  aCreatedJob,
  actor,
  aRequest,
  completed,
  FakeRunpod,
  FIRST,
  progress,
  storeOutput,
} from '../support/workerd/actors.ts'
import { MINUTE, pass, SECOND, useFarFutureClock } from '../support/workerd/clock.ts'
import { openLine } from '../support/workerd/line.ts'

useFarFutureClock()

interface Meter {
  rows: number
  alarms: number
  d1: number
}

/** Counts what one actor is billed for. */
async function meterActor(stub: DurableObjectStub, counts: Meter): Promise<void> {
  await runInDurableObject(stub, (_instance, state) => {
    const { sql } = state.storage
    const exec = sql.exec.bind(sql)
    vi.spyOn(sql, 'exec').mockImplementation((query: string, ...values: unknown[]) => {
      const cursor = exec(query, ...values)
      if (!/^SELECT/i.test(query)) counts.rows += cursor.rowsWritten
      return cursor
    })
    const setAlarm = state.storage.setAlarm.bind(state.storage)
    vi.spyOn(state.storage, 'setAlarm').mockImplementation((at) => {
      counts.alarms++
      return setAlarm(at)
    })
  })
}

/** Counts what a job, the lane of its endpoint and D1 are billed for. */
async function meter(stub: DurableObjectStub, endpoint: string): Promise<Meter> {
  const counts = { rows: 0, alarms: 0, d1: 0 }
  await meterActor(stub, counts)
  const lane = env.LANE.getByName(endpoint)
  // So it has its tables, as after the first job of a deployment.
  await lane.pause({ by: 'ann', reason: 'To begin.' })
  await lane.resume({ by: 'ann', reason: 'To begin.' })
  await meterActor(lane, counts)
  const prepare = env.DB.prepare.bind(env.DB)
  vi.spyOn(env.DB, 'prepare').mockImplementation((query) => metered(prepare(query), counts))
  return counts
}

function metered(statement: D1PreparedStatement, counts: Meter): D1PreparedStatement {
  return new Proxy(statement, {
    get(target, name) {
      if (name === 'bind') return (...values: unknown[]) => metered(target.bind(...values), counts)
      if (name !== 'run') return Reflect.get(target, name)
      return async () => {
        const result = await target.run()
        counts.d1 += result.meta.rows_written
        return result
      }
    },
  })
}

/** The row that the Worker writes before it calls `create`. */
async function birthRow(request: JobRequest): Promise<void> {
  const columns =
    'id, project_id, type, status, input_video_key, params, max_attempts, request_hash, created_at, due_at, mirrored_at'
  await env.DB.prepare(
    `INSERT INTO export_jobs (${columns}) VALUES (?, 1, 'overlay', 'pending', ?, '{}', 3, 'hash', ?, ?, ?)`,
  )
    .bind(request.id, request.inputVideoKey, Date.now(), Date.now(), Date.now())
    .run()
}

const ringIfDue = async (job: ReturnType<typeof actor>) => {
  const at = await job.alarmAt()
  if (at !== null && at <= Date.now()) await job.ring()
}

/** A job whose input exists, with one watcher and its first attempt dispatched; counted from its birth row on. */
async function aCountedJob(over: Partial<JobRequest> = {}) {
  new FakeRunpod().install()
  const request = aRequest(over)
  await env.VIDEOS.put(request.inputVideoKey, 'video')
  const job = actor(request.id)
  const counts = await meter(job.stub, request.policy.endpoint ?? 'default')
  await birthRow(request)
  await job.stub.create(request)
  const upgrade = await job.stub.fetch('https://x/ws', { headers: { Upgrade: 'websocket' } })
  upgrade.webSocket?.accept()
  await ringIfDue(job)
  return { job, counts }
}

/** A hundred reports over 200 s, with three stages. */
async function reportHundredTimes(job: ReturnType<typeof actor>, ref = FIRST) {
  for (let report = 1; report <= 100; report++) {
    pass(2 * SECOND)
    const stage = report < 5 ? 'downloading' : report < 95 ? 'rendering' : 'uploading'
    await job.report(progress(report, ref, stage))
    await ringIfDue(job)
  }
}

/** The same reports over the worker's line. */
async function reportOnLine(job: ReturnType<typeof actor>) {
  const line = await openLine(job)
  line.hello('a', 'rp-1-u1')
  for (let report = 1; report <= 100; report++) {
    pass(2 * SECOND)
    const stage = report < 5 ? 'downloading' : report < 95 ? 'rendering' : 'uploading'
    line.say({ type: 'progress', n: report, progress: report, stage })
    await line.settled()
    await ringIfDue(job)
  }
  await storeOutput(job)
  line.say({ type: 'complete', n: 101, output_video_key: `output/${job.id}/1-1.mp4` })
  await line.until(() => line.told.length > 0)
  await ringIfDue(job)
  expect(await job.job()).toMatchObject({ status: 'complete' })
}

async function complete(job: ReturnType<typeof actor>, ref = FIRST) {
  await storeOutput(job, ref)
  await job.report(completed(ref))
  await ringIfDue(job)
  expect(await job.job()).toMatchObject({ status: 'complete' })
}

/** RunPod's own figures of the attempt, which arrive after the end of the job. */
async function figures(job: ReturnType<typeof actor>) {
  await job.stub.observe({
    type: 'observed',
    ref: FIRST,
    source: 'webhook',
    runpodJobId: 'rp-1-u1',
    observation: {
      state: 'completed',
      error: null,
      usage: { delayMs: 2_000, executionMs: 201_000, workerId: 'w' },
    },
    health: null,
  })
  await ringIfDue(job)
  expect(await job.job()).toMatchObject({ usage: { gpu_seconds: 201 } })
}

it('one attempt, 100 reports over 200 s on a line, one watcher, with RunPod’s figures: at most 42 rows in the actor, 10 alarms, 14 rows in D1, of which two are the counters’', async () => {
  const { job, counts } = await aCountedJob()
  await reportOnLine(job)
  await figures(job)
  expect(counts.rows + counts.alarms).toBeLessThanOrEqual(42)
  expect(counts.alarms).toBeLessThanOrEqual(10)
  expect(counts.d1).toBeLessThanOrEqual(14)
})

it('the same at an endpoint with places: at most 46 rows in its actor and the lane’s, 10 alarms, 14 rows in D1', async () => {
  const { job, counts } = await aCountedJob({ policy: aPolicy({ endpoint: 'single' }) })
  await reportOnLine(job)
  await figures(job)
  expect((await env.LANE.getByName('single').inspect()).holders).toEqual([])
  expect(counts.rows + counts.alarms).toBeLessThanOrEqual(46)
  expect(counts.alarms).toBeLessThanOrEqual(10)
  expect(counts.d1).toBeLessThanOrEqual(14)
})

it('an hour of waiting for a place, watched, sets an alarm for each ask and each query of the holder, and writes 20 rows besides, and 2 in D1', async () => {
  const single = { policy: aPolicy({ endpoint: 'single' }) }
  new FakeRunpod().install()
  await (await aCreatedJob(single)).ring()
  const { job, counts } = await aCountedJob(single)
  const before = { ...counts }
  for (let ask = 0; ask < 240; ask++) {
    pass(15 * SECOND)
    await ringIfDue(job)
  }
  expect((await job.job()).queue).toMatchObject({ ahead: 0, as_of: new Date().toISOString() })
  expect(counts.alarms - before.alarms).toBeLessThanOrEqual(262)
  expect(counts.rows - before.rows).toBeLessThanOrEqual(20)
  expect(counts.d1 - before.d1).toBeLessThanOrEqual(2)
})

it('one attempt, 100 reports over 200 s, one watcher: by POST: no more than over a line', async () => {
  const { job, counts } = await aCountedJob()
  await reportHundredTimes(job)
  await complete(job)
  await figures(job)
  expect(counts.rows + counts.alarms).toBeLessThanOrEqual(42)
  expect(counts.alarms).toBeLessThanOrEqual(10)
  expect(counts.d1).toBeLessThanOrEqual(14)
})

it('the same with a webhook for its end stays within that, but for one more write of the row, of an index and of the counters in D1', async () => {
  const webhook = { url: 'https://hooks.example.com/exports', events: ['complete'] }
  const { job, counts } = await aCountedJob({ webhook })
  await reportHundredTimes(job)
  await complete(job)
  expect((await job.events()).at(-1)?.type).toMatch(/^webhook_/)
  expect(counts.rows + counts.alarms).toBeLessThanOrEqual(60)
  expect(counts.alarms).toBeLessThanOrEqual(10)
  // The message is not accepted: only such a job incurs writes to the index over owed messages.
  expect(counts.d1).toBeLessThanOrEqual(15)
})

it("RunPod's own figures, which come after the end, cost two rows in each and one of the counters, and no alarm is left but the last ones", async () => {
  const { job, counts } = await aCountedJob()
  await reportHundredTimes(job)
  await complete(job)
  const before = { ...counts }
  await figures(job)
  expect(counts.rows + counts.alarms - before.rows - before.alarms).toBeLessThanOrEqual(4)
  expect(counts.d1 - before.d1).toBe(3)
})

it('three attempts of 100 reports each: at most 90 rows in the actor, 24 alarms, 20 rows in D1', async () => {
  const { job, counts } = await aCountedJob()
  for (const attempt of [1, 2]) {
    const ref = { round: 1, attempt }
    await reportHundredTimes(job, ref)
    const failure = { code: 'worker_error', message: 'The GPU fell off the bus.', retryable: true }
    await job.report({ type: 'failed', ref, failure, runpodJobId: null })
    while ((await job.job()).attempt === attempt) {
      pass(SECOND)
      await ringIfDue(job)
    }
  }
  const last = { round: 1, attempt: 3 }
  await reportHundredTimes(job, last)
  await complete(job, last)
  expect(counts.rows + counts.alarms).toBeLessThanOrEqual(90)
  expect(counts.alarms).toBeLessThanOrEqual(24)
  expect(counts.d1).toBeLessThanOrEqual(20)
})

it('a look writes nothing: not at the job, its log, or by a socket; nor do reports within thirty seconds', async () => {
  const { job, counts } = await aCountedJob()
  await job.report(progress(1))
  const before = { ...counts }
  await job.stub.view(ANYONE)
  await job.stub.events({ after: 0, limit: 100 }, ANYONE)
  const upgrade = await job.stub.fetch('https://x/ws?after=1', { headers: { Upgrade: 'websocket' } })
  upgrade.webSocket?.accept()
  for (const percent of [2, 3, 4]) {
    pass(9 * SECOND)
    await job.report(progress(percent))
  }
  expect(counts).toEqual(before)
})

it.each([
  ['that is cut every five seconds', true],
  ['that holds', false],
])(
  'a line %s for half an hour costs at most two rows a cut, five in D1, and loses nothing',
  async (_which, isCut) => {
    const { job, counts } = await aCountedJob({ policy: aPolicy({ executionTimeoutMs: 60 * MINUTE }) })
    let n = 0
    let line = await openLine(job)
    line.hello('a', 'rp-1-u1')
    const cuts = 360
    for (let cut = 0; cut < cuts; cut++) {
      line.say({ type: 'progress', n: ++n, progress: (cut / cuts) * 100, stage: 'rendering' })
      await line.settled()
      pass(5 * SECOND)
      if (isCut) {
        line.hangUp()
        line = await openLine(job)
        line.hello('a', 'rp-1-u1')
        await line.settled()
      }
      await ringIfDue(job)
    }
    expect(await job.job()).toMatchObject({ status: 'processing', progress: (359 / 360) * 100, attempt: 1 })
    expect(await job.types()).not.toContain('line_lost')
    expect(counts.rows + counts.alarms).toBeLessThan(isCut ? 2 * cuts + 42 : 110)
    // One write at its birth and one when it runs: a line that returns in a moment changes nothing in the list.
    expect(counts.d1).toBeLessThanOrEqual(5)
  },
  240_000,
)

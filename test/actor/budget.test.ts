import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, it, vi } from 'vitest'
import type { JobRequest } from '../../actors/export-job/core/job.ts'
import {
  actor,
  aRequest,
  completed,
  FakeRunpod,
  FIRST,
  pass,
  progress,
  SECOND,
  storeOutput,
  useFarFutureClock,
} from './support.ts'

useFarFutureClock()

/** Counts what one actor and D1 are billed for. */
async function meter(stub: ReturnType<typeof actor>['stub']) {
  const counts = { rows: 0, alarms: 0, d1: 0 }
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
  const prepare = env.DB.prepare.bind(env.DB)
  vi.spyOn(env.DB, 'prepare').mockImplementation((query) => metered(prepare(query), counts))
  return counts
}

function metered(statement: D1PreparedStatement, counts: { d1: number }): D1PreparedStatement {
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

const ringWhenDue = async (job: ReturnType<typeof actor>) => {
  const at = await job.alarmAt()
  if (at !== null && at <= Date.now()) await job.ring()
}

/** A job whose input is there, with one watcher, its first attempt dispatched; counted from its birth row on. */
async function aCountedJob(over: Partial<JobRequest> = {}) {
  new FakeRunpod().install()
  const request = aRequest(over)
  await env.VIDEOS.put(request.inputVideoKey, 'video')
  const job = actor(request.id)
  const counts = await meter(job.stub)
  await birthRow(request)
  await job.stub.create(request)
  const upgrade = await job.stub.fetch('https://x/ws', { headers: { Upgrade: 'websocket' } })
  upgrade.webSocket?.accept()
  await ringWhenDue(job)
  return { job, counts }
}

/** A hundred reports over 200 s, with three stages. */
async function reportHundredTimes(job: ReturnType<typeof actor>, ref = FIRST) {
  for (let report = 1; report <= 100; report++) {
    pass(2 * SECOND)
    const stage = report < 5 ? 'downloading' : report < 95 ? 'rendering' : 'uploading'
    await job.report(progress(report, ref, stage))
    await ringWhenDue(job)
  }
}

async function complete(job: ReturnType<typeof actor>, ref = FIRST) {
  await storeOutput(job, ref)
  await job.report(completed(ref))
  await ringWhenDue(job)
  expect(await job.job()).toMatchObject({ status: 'complete' })
}

it('one attempt, 100 reports over 200 s, one watcher: at most 60 rows in the actor, 10 alarms, 14 rows in D1', async () => {
  const { job, counts } = await aCountedJob()
  await reportHundredTimes(job)
  await complete(job)
  expect(counts.rows + counts.alarms).toBeLessThanOrEqual(60)
  expect(counts.alarms).toBeLessThanOrEqual(10)
  expect(counts.d1).toBeLessThanOrEqual(14)
})

it('the same with a webhook for its end stays within that, but for one more write of the row in D1', async () => {
  const webhook = { url: 'https://hooks.example.com/exports', events: ['complete'] }
  const { job, counts } = await aCountedJob({ webhook })
  await reportHundredTimes(job)
  await complete(job)
  expect((await job.events()).at(-1)?.type).toMatch(/^webhook_/)
  expect(counts.rows + counts.alarms).toBeLessThanOrEqual(60)
  expect(counts.alarms).toBeLessThanOrEqual(10)
  expect(counts.d1).toBeLessThanOrEqual(16)
})

it("RunPod's own figures, which come after the end, cost two rows in each, and no alarm is left but the last ones", async () => {
  const { job, counts } = await aCountedJob()
  await reportHundredTimes(job)
  await complete(job)
  const before = { ...counts }
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
  await ringWhenDue(job)
  expect(await job.job()).toMatchObject({ usage: { gpu_seconds: 201 } })
  expect(counts.rows + counts.alarms - before.rows - before.alarms).toBeLessThanOrEqual(4)
  expect(counts.d1 - before.d1).toBe(2)
})

it('three attempts of 100 reports each: at most 135 rows in the actor, 24 alarms, 30 rows in D1', async () => {
  const { job, counts } = await aCountedJob()
  for (const attempt of [1, 2]) {
    const ref = { round: 1, attempt }
    await reportHundredTimes(job, ref)
    const failure = { code: 'worker_error', message: 'The GPU fell off the bus.', retryable: true }
    await job.report({ type: 'failed', ref, failure, runpodJobId: null })
    while ((await job.job()).attempt === attempt) {
      pass(SECOND)
      await ringWhenDue(job)
    }
  }
  const last = { round: 1, attempt: 3 }
  await reportHundredTimes(job, last)
  await complete(job, last)
  expect(counts.rows + counts.alarms).toBeLessThanOrEqual(135)
  expect(counts.alarms).toBeLessThanOrEqual(24)
  expect(counts.d1).toBeLessThanOrEqual(30)
})

it('a look writes nothing: not at the job, its log, or by a socket; nor does a report within ten seconds', async () => {
  const { job, counts } = await aCountedJob()
  await job.report(progress(1))
  const before = { ...counts }
  await job.stub.view()
  await job.stub.events(0, 100)
  const upgrade = await job.stub.fetch('https://x/ws?after=1', { headers: { Upgrade: 'websocket' } })
  upgrade.webSocket?.accept()
  pass(9 * SECOND)
  await job.report(progress(2))
  expect(counts).toEqual(before)
})

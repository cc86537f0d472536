import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, it, vi } from 'vitest'
import type { JobRequest } from '../../actors/export-job/core/job.ts'
import {
  actor,
  aRequest,
  completed,
  FakeRunpod,
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

it('one attempt, 100 reports over 200 s, one watcher: at most 60 rows in the actor, 10 alarms, 14 rows in D1', async () => {
  new FakeRunpod().install()
  const request = aRequest()
  await env.VIDEOS.put(request.inputVideoKey, 'video')
  const job = actor(request.id)
  const counts = await meter(job.stub)
  await birthRow(request)
  await job.stub.create(request)
  const upgrade = await job.stub.fetch('https://x/ws', { headers: { Upgrade: 'websocket' } })
  upgrade.webSocket?.accept()
  const ringWhenDue = async () => {
    const at = await job.alarmAt()
    if (at !== null && at <= Date.now()) await job.ring()
  }
  await ringWhenDue()
  for (let report = 1; report <= 100; report++) {
    pass(2 * SECOND)
    await job.report(
      progress(report, undefined, report < 5 ? 'downloading' : report < 95 ? 'rendering' : 'uploading'),
    )
    await ringWhenDue()
  }
  await storeOutput(job)
  await job.report(completed())
  await ringWhenDue()
  expect(await job.job()).toMatchObject({ status: 'complete' })
  expect(counts.rows + counts.alarms).toBeLessThanOrEqual(60)
  expect(counts.alarms).toBeLessThanOrEqual(10)
  expect(counts.d1).toBeLessThanOrEqual(14)
})

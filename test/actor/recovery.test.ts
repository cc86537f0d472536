import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import type { Report } from '../../actors/export-job/core/events.ts'
import {
  type ActorHandle,
  ANYONE,
  aCreatedJob,
  actor,
  aRunningJob,
  completed,
  FakeRunpod,
  FIRST,
  progress,
  storeOutput,
} from '../support/workerd/actors.ts'
import { MINUTE, pass, SECOND, useFarFutureClock } from '../support/workerd/clock.ts'

useFarFutureClock()

function rowOf(job: ActorHandle) {
  return env.DB.prepare('SELECT status, version, attempt FROM export_jobs WHERE id = ?').bind(job.id).first()
}

function failedReport(): Report {
  const failure = { code: 'worker_error', message: 'No.', retryable: true }
  return { type: 'failed', ref: FIRST, failure, runpodJobId: null }
}

/** Makes time limits of calls expire at once. */
function limitsRingAtOnce() {
  const real = globalThis.setTimeout
  return vi.spyOn(globalThis, 'setTimeout').mockImplementation((act) => real(act, 0))
}

/** A statement that is never answered. */
function unanswered(statement: D1PreparedStatement): D1PreparedStatement {
  return new Proxy(statement, {
    get: (real, name) => (name === 'bind' ? () => unanswered(real) : () => new Promise(() => {})),
  })
}

/** A statement that is executed, and whose answer is lost. */
function answerLost(statement: D1PreparedStatement): D1PreparedStatement {
  return new Proxy(statement, {
    get: (real, name) => {
      if (name === 'bind') return (...values: unknown[]) => answerLost(real.bind(...values))
      return async () => {
        await real.run()
        throw new Error('D1_ERROR: Network connection lost.')
      }
    },
  })
}

describe('what RunPod does wrong', () => {
  it('a lost webhook and a lost report are found by asking', async () => {
    const runpod = new FakeRunpod().install()
    const job = await aRunningJob()
    await storeOutput(job)
    runpod.jobs.set('rp-1-u1', { id: 'rp-1-u1', status: 'COMPLETED', delayTime: 1_000, executionTime: 9_000 })
    pass(61 * SECOND)
    await job.ring()
    expect(await job.job()).toMatchObject({
      status: 'complete',
      usage: { gpu_seconds: 9, queue_seconds: 1, estimated: false },
    })
  })

  it('a job that RunPod no longer knows is retried, unless its file is there', async () => {
    const runpod = new FakeRunpod().install()
    const lost = await aRunningJob()
    const kept = await aRunningJob()
    runpod.jobs.clear()
    await storeOutput(kept)
    pass(61 * SECOND)
    await lost.ring()
    await kept.ring()
    expect(await lost.job()).toMatchObject({ status: 'pending', error: { code: 'runpod_job_lost' } })
    pass(5 * SECOND)
    await lost.ring()
    await kept.ring()
    expect(await lost.job()).toMatchObject({ status: 'queued', attempt: 2 })
    expect(await kept.job()).toMatchObject({ status: 'complete', attempt: 1 })
  })

  it('a lost answer of /run never makes a second current attempt', async () => {
    const runpod = new FakeRunpod().install()
    runpod.answers.set('/run', () => Promise.reject(new Error('Network connection lost.')))
    const job = await aCreatedJob()
    await job.ring()
    expect(await job.job()).toMatchObject({ status: 'pending', attempt: 1, runpod_job_id: null })
    await job.stub.report({ ...progress(5), runpodJobId: 'rp-orphan' })
    expect(await job.job()).toMatchObject({ status: 'processing', attempt: 1, runpod_job_id: 'rp-orphan' })
    expect(runpod.count('/run')).toBe(1)
  })

  it('an attempt written off after its grace is fenced, told to stop and cancelled', async () => {
    const runpod = new FakeRunpod().install()
    runpod.answers.set('/run', () => new Response('bad gateway', { status: 502 }))
    const job = await aCreatedJob()
    await job.ring()
    runpod.answers.clear()
    pass(61 * SECOND)
    await job.ring()
    pass(5 * SECOND)
    await job.ring()
    expect(await job.job()).toMatchObject({ status: 'queued', attempt: 1 })
    runpod.jobs.set('rp-orphan', { id: 'rp-orphan', status: 'IN_PROGRESS' })
    expect(await job.stub.report({ ...progress(5), runpodJobId: 'rp-orphan' })).toEqual({
      ok: true,
      cancel: true,
    })
    await job.ring()
    expect(runpod.count('/cancel/rp-orphan')).toBe(1)
    expect(await job.job()).toMatchObject({ status: 'queued', attempt: 1 })
  })

  it('obeys Retry-After', async () => {
    const runpod = new FakeRunpod().install()
    runpod.answers.set(
      '/run',
      () => new Response('slow down', { status: 429, headers: { 'Retry-After': '90' } }),
    )
    const job = await aCreatedJob()
    await job.ring()
    const { next_attempt_at, error } = await job.job()
    expect(Date.parse(next_attempt_at ?? '')).toBe(Date.now() + 90 * SECOND)
    expect(error).toMatchObject({ code: 'runpod_rate_limited', retryable: true })
  })

  it('completion without a file is output_missing, and retried', async () => {
    const runpod = new FakeRunpod().install()
    const job = await aRunningJob()
    await job.report(completed())
    for (let look = 0; look < 3; look++) {
      await job.ring()
      pass(10 * SECOND)
    }
    await job.ring()
    expect(await job.job()).toMatchObject({ status: 'queued', attempt: 2 })
    expect(runpod.count('/run')).toBe(2)
  })
})

describe('what the platform does wrong', () => {
  it('a lost alarm is set again when the actor wakes', async () => {
    new FakeRunpod().install()
    const job = await aCreatedJob()
    await runInDurableObject(job.stub, (_instance, state) => state.storage.deleteAlarm())
    await job.evict()
    await job.job()
    expect(await job.alarmAt()).toBe(Date.now())
  })

  it('D1 down: the mirror is owed until it is taken, and never goes backwards', async () => {
    new FakeRunpod().install()
    const job = await aRunningJob()
    await storeOutput(job)
    await job.report(completed())
    const prepare = vi.spyOn(env.DB, 'prepare').mockImplementation(() => {
      throw new Error('D1_ERROR: no')
    })
    await job.ring()
    expect(await job.job()).toMatchObject({ status: 'complete' })
    prepare.mockRestore()
    pass(MINUTE)
    await job.ring()
    expect(await rowOf(job)).toMatchObject({ status: 'complete', version: (await job.job()).version })
  })

  it('D1 silent: the row is owed, and nothing else waits for it', async () => {
    const runpod = new FakeRunpod().install()
    const job = await aRunningJob()
    await storeOutput(job)
    await job.report(completed())
    const patience = limitsRingAtOnce()
    const silent = unanswered(env.DB.prepare('SELECT 1'))
    const prepare = vi.spyOn(env.DB, 'prepare').mockReturnValue(silent)
    await job.ring()
    expect(await job.job()).toMatchObject({ status: 'complete' })
    expect(await job.alarmAt()).not.toBeNull()
    prepare.mockRestore()
    patience.mockRestore()
    pass(MINUTE)
    await job.ring()
    expect(await rowOf(job)).toMatchObject({ status: 'complete' })
    expect(runpod.count('/run')).toBe(1)
  })

  it('R2 silent: the input cannot be looked at, and the attempt is tried again', async () => {
    const runpod = new FakeRunpod().install()
    const job = await aCreatedJob()
    const patience = limitsRingAtOnce()
    const head = vi.spyOn(env.VIDEOS, 'head').mockImplementation(() => new Promise(() => {}))
    await job.ring()
    expect(await job.job()).toMatchObject({ status: 'pending', error: { code: 'storage_unavailable' } })
    head.mockRestore()
    patience.mockRestore()
    pass(MINUTE)
    await job.ring()
    expect(await job.job()).toMatchObject({ status: 'queued', attempt: 1 })
    expect(runpod.count('/run')).toBe(1)
  })

  it('D1 takes a row and fails to say so: the next one names every column', async () => {
    new FakeRunpod().install()
    const job = await aCreatedJob()
    await job.ring()
    pass(16 * SECOND)
    await job.ring()
    expect(await rowOf(job)).toMatchObject({ status: 'queued', attempt: 1 })
    await job.report(progress(10))
    const real = env.DB.prepare.bind(env.DB)
    const deaf = vi.spyOn(env.DB, 'prepare').mockImplementation((sql) => answerLost(real(sql)))
    pass(16 * SECOND)
    await job.ring()
    deaf.mockRestore()
    expect(await rowOf(job)).toMatchObject({ status: 'processing' })
    await job.report(failedReport())
    // D1 is unavailable until the next attempt is queued, as in the last row acknowledged by D1.
    const down = vi.spyOn(env.DB, 'prepare').mockImplementation(() => {
      throw new Error('D1_ERROR: no')
    })
    pass(6 * SECOND)
    await job.ring()
    down.mockRestore()
    pass(MINUTE)
    await job.ring()
    expect(await job.job()).toMatchObject({ status: 'queued', attempt: 2 })
    expect(await rowOf(job)).toMatchObject({ status: 'queued', attempt: 2 })
  })

  it('an effect that fails unexpectedly does not cut the others short', async () => {
    const runpod = new FakeRunpod().install()
    const job = await aRunningJob()
    await job.stub.command({ type: 'cancel', by: 'test' }, ANYONE)
    const log = vi.spyOn(console, 'error').mockImplementation((line) => {
      if (String(line).includes('mirrorFailed')) throw new Error('Nobody expects this.')
    })
    const prepare = vi.spyOn(env.DB, 'prepare').mockImplementation(() => {
      throw new Error('D1_ERROR: no')
    })
    pass(16 * SECOND)
    await job.ring()
    log.mockRestore()
    prepare.mockRestore()
    expect(runpod.count('/cancel')).toBe(1)
    expect(await job.job()).toMatchObject({ status: 'cancelled', cancel: { confirmed: true } })
    expect(await job.alarmAt()).toBe(Date.now() + MINUTE)
  })

  it('an alarm that should have rung long ago is set again by the sweep', async () => {
    new FakeRunpod().install()
    const job = await aCreatedJob()
    expect(await job.alarmAt()).toBe(Date.now())
    pass(6 * MINUTE)
    await job.stub.revive()
    expect(await job.alarmAt()).toBe(Date.now())
  })

  it('an alarm that should have rung long ago is set again by whatever is heard next', async () => {
    const runpod = new FakeRunpod().install()
    const job = await aRunningJob()
    await runInDurableObject(job.stub, (_, { storage }) => storage.deleteAlarm())
    pass(5 * MINUTE)
    await job.report(failedReport())
    expect(await job.alarmAt()).toBe(Date.now())
    await job.ring()
    expect(runpod.count('/run')).toBe(1)
    expect(await job.job()).toMatchObject({ status: 'pending', error: { code: 'worker_error' } })
  })

  it('an alarm that fails unexpectedly is set again', async () => {
    new FakeRunpod().install()
    const job = await aCreatedJob()
    const head = vi.spyOn(env.VIDEOS, 'head').mockRejectedValue(new Error('R2 is down'))
    await job.ring()
    expect(await job.job()).toMatchObject({ status: 'pending', error: { code: 'storage_unavailable' } })
    head.mockRestore()
    expect(await job.alarmAt()).not.toBeNull()
  })
})

describe('an actor that holds no job', () => {
  it('writes nothing, whatever is called on it', async () => {
    const empty = actor(crypto.randomUUID())
    await empty.stub.view(ANYONE)
    await empty.stub.command({ type: 'cancel', by: 'x' }, ANYONE)
    await empty.stub.command({ type: 'retry', by: 'x' }, ANYONE)
    await empty.stub.command({ type: 'delete', by: 'x' }, ANYONE)
    await empty.stub.events({ after: 0, limit: 10 }, ANYONE)
    await empty.stub.revive()
    expect(await empty.stub.report(progress(1))).toEqual({ ok: true, cancel: true })
    await empty.stub.fetch('https://x/ws', { headers: { Upgrade: 'websocket' } })
    const tables = await runInDurableObject(empty.stub, (_instance, state) => ({
      tables: state.storage.sql
        .exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf\\_%' ESCAPE '\\'")
        .toArray(),
      alarm: state.storage.getAlarm(),
    }))
    expect(tables.tables).toEqual([])
    expect(await tables.alarm).toBeNull()
  })
})

import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import type { Job } from '../../actors/export-job/core/job.ts'
import { archiveRow, hideRows } from '../../actors/export-job/effects/job-row.ts'
import { sweep } from '../../src/d1/sweep.ts'
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
import { MINUTE, pass, SECOND, T0, useFarFutureClock } from '../support/workerd/clock.ts'
import { birthRow } from '../support/workerd/rows.ts'

useFarFutureClock()

const DAY = 24 * 60 * MINUTE

async function row(id: string) {
  return env.DB.prepare('SELECT * FROM export_jobs WHERE id = ?').bind(id).first()
}

/** The state that the actor has committed. */
function stateOf(job: ActorHandle): Promise<Job> {
  return runInDurableObject(job.stub, (_instance, state) =>
    JSON.parse(state.storage.sql.exec<{ state: string }>('SELECT state FROM job').one().state),
  )
}

async function aCompleteJob() {
  const job = await aRunningJob()
  const key = await storeOutput(job)
  await job.report(completed())
  await job.ring()
  return { job, key }
}

describe('delete', () => {
  it('leaves nothing: no object, no row, no storage, once the last URL given out has expired', async () => {
    new FakeRunpod().install()
    const { job, key } = await aCompleteJob()
    expect(await job.stub.command({ type: 'delete', by: 'test' }, ANYONE)).toMatchObject({
      ok: true,
      job: null,
    })
    expect(await job.stub.view(ANYONE)).toEqual({ found: false, deleting: true })
    expect(await job.report(progress(99))).toEqual({ ok: true, cancel: true })
    await job.ring()
    expect(await env.VIDEOS.head(key)).toBeNull()
    expect(await env.VIDEOS.head(`input/${job.id}/clip.mp4`)).toBeNull()
    expect(await row(job.id)).toMatchObject({
      status: 'deleting',
      due_at: expect.any(Number),
      input_video_key: '',
      output_video_key: null,
      params: '{}',
      metadata: '{}',
      tags: '[]',
      error: null,
      finished_at: null,
    })

    // A file stored by a URL that was still valid is found by the last removal.
    await env.VIDEOS.put(`output/${job.id}/late.mp4`, 'late')
    pass(103 * MINUTE)
    await job.ring()
    expect(await env.VIDEOS.head(`output/${job.id}/late.mp4`)).toBeNull()
    expect(await job.stub.view(ANYONE)).toEqual({ found: false, deleting: false })
    expect(await job.alarmAt()).toBeNull()
    expect(await row(job.id)).toBeNull()
  })

  it.each([
    ['before the first erase', 0],
    ['before the last erase', 1],
  ])('is finished by the sweep when the alarm is lost %s', async (_, erases) => {
    new FakeRunpod().install()
    const { job } = await aCompleteJob()
    const answer = await job.stub.command({ type: 'delete', by: 'test' }, ANYONE)
    if (!answer.ok || answer.job !== null || !answer.erasure) throw new Error('The job is not being deleted.')
    await hideRows(env.DB, [answer.erasure], Date.now())
    for (let erase = 0; erase < erases; erase++) await job.ring()
    await runInDurableObject(job.stub, (_instance, state) => state.storage.deleteAlarm())
    await env.VIDEOS.put(`output/${job.id}/late.mp4`, 'late')
    pass(108 * MINUTE)
    await sweep(env, Date.now())
    await job.ring()
    expect(await env.VIDEOS.head(`output/${job.id}/late.mp4`)).toBeNull()
    expect(await job.stub.view(ANYONE)).toEqual({ found: false, deleting: false })
    expect(await row(job.id)).toBeNull()
  })

  it('is not undone by a row that was on its way to the list', async () => {
    new FakeRunpod().install()
    const { job } = await aCompleteJob()
    const before = await row(job.id)
    const answer = await job.stub.command({ type: 'delete', by: 'test' }, ANYONE)
    if (!answer.ok || answer.job !== null || !answer.erasure) throw new Error('The job is not being deleted.')
    await hideRows(env.DB, [answer.erasure], Date.now())
    await env.DB.prepare("UPDATE export_jobs SET status = 'complete' WHERE id = ? AND version <= ?")
      .bind(job.id, before?.version)
      .run()
    expect(await row(job.id)).toMatchObject({ status: 'deleting' })
  })

  it('hides a row that the list had lost, so that the sweep finds what is still to be erased', async () => {
    new FakeRunpod().install()
    const { job } = await aCompleteJob()
    await env.DB.prepare('DELETE FROM export_jobs WHERE id = ?').bind(job.id).run()
    await job.stub.command({ type: 'delete', by: 'test' }, ANYONE)
    await job.ring()
    expect(await row(job.id)).toMatchObject({ status: 'deleting', params: '{}', input_video_key: '' })
  })

  it('forgets the job that was: one made again under its key has a row of its own', async () => {
    new FakeRunpod().install()
    const first = await aCreatedJob()
    const failure = { code: 'worker_error', message: 'No.', retryable: false }
    const fails = async (job: ActorHandle) => {
      await job.ring()
      await job.report({ type: 'failed', ref: FIRST, failure, runpodJobId: null })
      await job.ring()
    }
    await fails(first)
    expect(await row(first.id)).toMatchObject({ status: 'error', error_code: 'worker_error' })
    await first.stub.command({ type: 'delete', by: 'test' }, ANYONE)
    await first.ring()
    pass(108 * MINUTE)
    await first.ring()
    expect(await row(first.id)).toBeNull()

    const again = await aCreatedJob({ id: first.id })
    await birthRow(again.id)
    await fails(again)
    expect(await row(again.id)).toMatchObject({ status: 'error', error_code: 'worker_error', attempt: 1 })
    const seen = await again.stub.inspect({ after: null, before: null, limit: 1, types: null }, ANYONE)
    expect(seen.found && JSON.parse(seen.inspection).actor.instances).toBe(1)
  })

  it.each(['delete', 'retention'])(
    'by %s leaves what the deployment put there for everybody',
    async (how) => {
      new FakeRunpod().install()
      const stock = `input/stock/${crypto.randomUUID()}.mp4`
      const job = await aCreatedJob({ inputVideoKey: stock })
      await env.VIDEOS.put(stock, 'stock')
      await job.stub.command({ type: 'cancel', by: 'test' }, ANYONE)
      if (how === 'delete') await job.stub.command({ type: 'delete', by: 'test' }, ANYONE)
      else pass(7 * DAY)
      await job.ring()
      expect(await job.stub.view(ANYONE)).toEqual({ found: false, deleting: false })
      expect(await env.VIDEOS.head(stock)).not.toBeNull()
    },
  )

  it('keeps an input that is older than the list, which may have named other users of it', async () => {
    new FakeRunpod().install()
    const { job } = await aCompleteJob()
    const epoch = (at: number) =>
      env.DB.prepare("UPDATE export_jobs SET created_at = ? WHERE id = 'sweep' RETURNING *").bind(at).first()
    const before = await env.DB.prepare("SELECT created_at FROM export_jobs WHERE id = 'sweep'").first()
    await epoch(Date.now())
    const logged = vi.spyOn(console, 'error').mockImplementation(() => {})
    await job.stub.command({ type: 'delete', by: 'test' }, ANYONE)
    await job.ring()
    await epoch(Number(before?.created_at))
    expect(await env.VIDEOS.head(`input/${job.id}/clip.mp4`)).not.toBeNull()
    expect(logged.mock.calls.flat().join()).toContain('"at":"input_kept"')
  })

  it('does not take an input that another job still uses', async () => {
    new FakeRunpod().install()
    const { job } = await aCompleteJob()
    const shared = `input/${job.id}/clip.mp4`
    const other = await aRunningJob({ inputVideoKey: shared })
    pass(20 * SECOND)
    await other.ring()
    await job.stub.command({ type: 'delete', by: 'test' }, ANYONE)
    await job.ring()
    expect(await env.VIDEOS.head(shared)).not.toBeNull()
  })

  it('does not take an input of another project, whose name it only knew', async () => {
    new FakeRunpod().install()
    const theirs = `input/${crypto.randomUUID()}/theirs.mp4`
    const job = await aCreatedJob({ inputVideoKey: theirs })
    await env.VIDEOS.put(theirs, 'theirs', { customMetadata: { project: '8' } })
    await job.ring()
    expect(await job.job()).toMatchObject({ status: 'error', error: { code: 'input_not_found' } })
    await job.stub.command({ type: 'delete', by: 'test' }, ANYONE)
    await job.ring()
    expect(await row(job.id)).toMatchObject({ status: 'deleting' })
    expect(await env.VIDEOS.head(theirs)).not.toBeNull()
  })

  it('of an active job cancels it', async () => {
    new FakeRunpod().install()
    const job = await aRunningJob()
    const answer = await job.stub.command({ type: 'delete', by: 'test' }, ANYONE)
    expect(answer).toMatchObject({ ok: true, job: expect.stringContaining('"status":"cancelling"') })
  })
})

describe('retention', () => {
  it('removes the videos, empties the actor and keeps the row', async () => {
    new FakeRunpod().install()
    const { job, key } = await aCompleteJob()
    pass(7 * DAY)
    await job.ring()
    expect(await env.VIDEOS.head(key)).toBeNull()
    expect(await row(job.id)).toMatchObject({ status: 'complete', archived: 1, due_at: null })
    expect(await actor(job.id).stub.view(ANYONE)).toEqual({ found: false, deleting: false })
  })

  it('writes a row that the list had lost, whole', async () => {
    new FakeRunpod().install()
    const { job } = await aCompleteJob()
    await env.DB.prepare('DELETE FROM export_jobs WHERE id = ?').bind(job.id).run()
    pass(7 * DAY)
    await job.ring()
    expect(await row(job.id)).toMatchObject({
      status: 'complete',
      archived: 1,
      due_at: null,
      project_id: 1,
      input_video_key: `input/${job.id}/clip.mp4`,
    })
  })

  it('is finished by the sweep when the alarm is lost after the row was archived', async () => {
    new FakeRunpod().install()
    const { job } = await aCompleteJob()
    pass(7 * DAY)
    await archiveRow(env.DB, await stateOf(job), null, Date.now())
    await runInDurableObject(job.stub, (_instance, state) => state.storage.deleteAlarm())
    pass(6 * MINUTE)
    await sweep(env, Date.now())
    await job.ring()
    expect(await job.stub.view(ANYONE)).toEqual({ found: false, deleting: false })
    expect(await row(job.id)).toMatchObject({ archived: 1, due_at: null })
  })
})

describe('retry by hand', () => {
  it('starts a new round and keeps the history', async () => {
    const runpod = new FakeRunpod().install()
    const job = await aRunningJob()
    await job.report({
      type: 'failed',
      ref: { round: 1, attempt: 1 },
      failure: { code: 'worker_error', message: 'No.', retryable: false },
      runpodJobId: null,
    })
    expect(await job.job()).toMatchObject({ status: 'error', finished_at: new Date(T0).toISOString() })
    expect(await job.stub.command({ type: 'retry', by: 'test' }, ANYONE)).toMatchObject({ ok: true })
    await job.ring()
    expect(await job.job()).toMatchObject({
      status: 'queued',
      round: 2,
      attempt: 1,
      error: null,
      finished_at: null,
    })
    expect(runpod.lastRun().input).toMatchObject({
      round: 2,
      attempt: 1,
      output: { video_key: `output/${job.id}/2-1.mp4` },
    })
    expect(await job.types()).toEqual(expect.arrayContaining(['error', 'retried']))
    expect(await job.report(progress(50))).toEqual({ ok: true, cancel: true })
  })

  it('is refused for a complete job', async () => {
    new FakeRunpod().install()
    const { job } = await aCompleteJob()
    expect(await job.stub.command({ type: 'retry', by: 'test' }, ANYONE)).toMatchObject({
      ok: false,
      code: 'job_complete',
    })
  })
})

import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import {
  aCreatedJob,
  actor,
  aRunningJob,
  completed,
  FakeRunpod,
  MINUTE,
  pass,
  progress,
  SECOND,
  storeOutput,
  T0,
  useFarFutureClock,
} from './support.ts'

useFarFutureClock()

const DAY = 24 * 60 * MINUTE

async function row(id: string) {
  return env.DB.prepare('SELECT status, archived, version FROM export_jobs WHERE id = ?').bind(id).first()
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
    expect(await job.stub.remove('test')).toEqual({ ok: true, job: null })
    expect(await job.stub.view()).toEqual({ found: false, deleting: true })
    expect(await job.report(progress(99))).toEqual({ ok: true, cancel: true })
    await job.ring()
    expect(await env.VIDEOS.head(key)).toBeNull()
    expect(await env.VIDEOS.head(`input/${job.id}/clip.mp4`)).toBeNull()
    expect(await row(job.id)).toBeNull()

    // A file put by a URL that was still valid is found by the last look.
    await env.VIDEOS.put(`output/${job.id}/late.mp4`, 'late')
    pass(103 * MINUTE)
    await job.ring()
    expect(await env.VIDEOS.head(`output/${job.id}/late.mp4`)).toBeNull()
    expect(await job.stub.view()).toEqual({ found: false, deleting: false })
    expect(await job.alarmAt()).toBeNull()
  })

  it('does not take an input that another job still uses', async () => {
    new FakeRunpod().install()
    const { job } = await aCompleteJob()
    const shared = `input/${job.id}/clip.mp4`
    const other = await aRunningJob({ inputVideoKey: shared })
    pass(20 * SECOND)
    await other.ring()
    await job.stub.remove('test')
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
    await job.stub.remove('test')
    await job.ring()
    expect(await row(job.id)).toBeNull()
    expect(await env.VIDEOS.head(theirs)).not.toBeNull()
  })

  it('of an active job cancels it', async () => {
    new FakeRunpod().install()
    const job = await aRunningJob()
    const answer = await job.stub.remove('test')
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
    expect(await row(job.id)).toMatchObject({ status: 'complete', archived: 1 })
    expect(await actor(job.id).stub.view()).toEqual({ found: false, deleting: false })
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
    expect(await job.stub.retry('test')).toMatchObject({ ok: true })
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
    expect(await job.stub.retry('test')).toMatchObject({ ok: false, code: 'job_complete' })
  })
})

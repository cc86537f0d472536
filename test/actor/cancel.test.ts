import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import {
  ANYONE,
  aCreatedJob,
  aRunningJob,
  completed,
  FakeRunpod,
  progress,
  storeOutput,
} from '../support/workerd/actors.ts'
import { MINUTE, pass, SECOND, useFarFutureClock } from '../support/workerd/clock.ts'

useFarFutureClock()

describe('cancel', () => {
  it('ends a job that never reached RunPod at once', async () => {
    const runpod = new FakeRunpod().install()
    const job = await aCreatedJob()
    expect(await job.stub.command({ type: 'cancel', by: 'test' }, ANYONE)).toMatchObject({ ok: true })
    expect(await job.job()).toMatchObject({ status: 'cancelled', cancel: { confirmed: true } })
    await job.ring()
    expect(runpod.count('/run')).toBe(0)
  })

  it('is cancelling until RunPod confirmed, then cancelled', async () => {
    const runpod = new FakeRunpod().install()
    const job = await aRunningJob()
    await job.stub.command({ type: 'cancel', by: 'test' }, ANYONE)
    expect(await job.job()).toMatchObject({ status: 'cancelling', cancel: { confirmed: false } })
    await job.evict()
    await job.ring()
    expect(runpod.count('/cancel/rp-1-u1')).toBe(1)
    expect(await job.job()).toMatchObject({ status: 'cancelled', cancel: { confirmed: true } })
  })

  it('wins over a dispatch in flight', async () => {
    const runpod = new FakeRunpod().install()
    const job = await aCreatedJob()
    let released = false
    runpod.answers.set('/run', async () => {
      while (!released) await scheduler.wait(1)
      runpod.answers.clear()
      runpod.jobs.set('rp-late', { id: 'rp-late', status: 'IN_QUEUE' })
      return Response.json({ id: 'rp-late', status: 'IN_QUEUE' })
    })
    const ringing = job.ring()
    await eventually(() => runpod.count('/run') === 1)
    expect(await job.stub.command({ type: 'cancel', by: 'test' }, ANYONE)).toMatchObject({ ok: true })
    expect(await job.job()).toMatchObject({ status: 'cancelling' })
    released = true
    await ringing
    expect(runpod.count('/cancel/rp-late')).toBe(1)
    expect(await job.job()).toMatchObject({ status: 'cancelled', cancel: { confirmed: true } })
  })

  it('says so when RunPod does not confirm within ten minutes, and records a late confirmation', async () => {
    const runpod = new FakeRunpod().install()
    const job = await aRunningJob()
    const down = () => new Response('down', { status: 500 })
    runpod.answers.set('/cancel', down).set('/status', down)
    await job.stub.command({ type: 'cancel', by: 'test' }, ANYONE)
    await job.ring()
    expect(await job.job()).toMatchObject({ status: 'cancelling' })
    pass(10 * MINUTE)
    await job.ring()
    expect(await job.job()).toMatchObject({ status: 'cancelled', cancel: { confirmed: false } })

    runpod.answers.clear()
    pass(5 * MINUTE)
    await job.ring()
    expect(await job.job()).toMatchObject({ status: 'cancelled', cancel: { confirmed: true } })
    expect(await job.types()).toContain('cancel_confirmed')
  })

  it('is not undone by a completion: the worker is told to stop and its file is removed', async () => {
    new FakeRunpod().install()
    const job = await aRunningJob()
    await job.stub.command({ type: 'cancel', by: 'test' }, ANYONE)
    await job.ring()
    const key = await storeOutput(job)
    expect(await job.report(completed())).toEqual({ ok: true, cancel: true })
    expect(await job.job()).toMatchObject({ status: 'cancelled', output_video_key: null })
    pass(103 * MINUTE)
    await job.ring()
    expect(await env.VIDEOS.head(key)).toBeNull()
  })

  it('tells a worker that reports on to stop', async () => {
    new FakeRunpod().install()
    const job = await aRunningJob()
    await job.stub.command({ type: 'cancel', by: 'test' }, ANYONE)
    expect(await job.report(progress(50))).toEqual({ ok: true, cancel: true })
    pass(SECOND)
    await job.ring()
    expect(await job.report(progress(60))).toEqual({ ok: true, cancel: true })
    expect((await job.types()).filter((type) => type === 'late_report')).toHaveLength(1)
  })
})

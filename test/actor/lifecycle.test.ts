import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { aCreatedJob, completed, FakeRunpod, progress, storeOutput } from '../support/workerd/actors.ts'
import { MINUTE, pass, SECOND, useFarFutureClock } from '../support/workerd/clock.ts'

useFarFutureClock()

async function listed(id: string) {
  return env.DB.prepare('SELECT * FROM export_jobs WHERE id = ?').bind(id).first<Record<string, unknown>>()
}

describe('a job from acceptance to its end', () => {
  it('is carried through by its alarm, with an eviction between every two steps', async () => {
    const runpod = new FakeRunpod().install()
    const job = await aCreatedJob()
    expect(await job.job()).toMatchObject({ status: 'pending', attempt: 0, progress: 0 })

    await job.evict()
    await job.ring()
    expect(runpod.count('/run')).toBe(1)
    expect(await job.job()).toMatchObject({ status: 'queued', attempt: 1, runpod_job_id: 'rp-1-u1' })

    await job.evict()
    pass(2 * SECOND)
    expect(await job.report(progress(40))).toEqual({ ok: true, cancel: false })
    expect(await job.job()).toMatchObject({ status: 'processing', progress: 40, stage: 'rendering' })

    await job.evict()
    const key = await storeOutput(job)
    expect(await job.report(completed())).toEqual({ ok: true, cancel: false })
    expect(await job.job()).toMatchObject({ status: 'processing', stage: 'storing', output_video_key: null })

    await job.evict()
    await job.ring()
    const done = await job.job()
    expect(done).toMatchObject({ status: 'complete', progress: 100, output_video_key: key, error: null })
    expect(done.output_url).toMatch(/^\/api\/videos\/download\/output\/.*exp=\d+&sig=/)
    expect(await listed(job.id)).toMatchObject({
      status: 'complete',
      output_video_key: key,
      version: done.version,
    })
    expect(await job.types()).toEqual([
      'created',
      'attempt_started',
      'queued',
      'processing',
      'verifying',
      'complete',
    ])
  })

  it('gives the worker signed URLs that live as long as its attempt, and no key to storage', async () => {
    const runpod = new FakeRunpod().install()
    const job = await aCreatedJob()
    await job.ring()
    const body = runpod.lastRun()
    expect(body).toMatchObject({
      webhook: expect.stringMatching(/^https:\/\/exportal\.test\/api\/runpod\/callback\?.*sig=/),
      policy: { executionTimeout: 30 * MINUTE, ttl: 100 * MINUTE },
      input: {
        job_id: job.id,
        round: 1,
        attempt: 1,
        callback_url: `https://exportal.test/api/jobs/${job.id}/do`,
        input_url: expect.stringMatching(
          /^https:\/\/exportal\.test\/api\/videos\/download\/input\/.*\?project=1&exp=/,
        ),
        output: { video_key: `output/${job.id}/1-1.mp4`, content_type: 'video/mp4' },
      },
    })
    const expires = Number(new URL(body.input.output.put_url).searchParams.get('exp')) * 1000
    expect(expires).toBeGreaterThanOrEqual(Date.now() + 100 * MINUTE)
  })

  it('ends before any GPU is paid for when its input is not there', async () => {
    const runpod = new FakeRunpod().install()
    const job = await aCreatedJob()
    await env.VIDEOS.delete(`input/${job.id}/clip.mp4`)
    await job.ring()
    expect(await job.job()).toMatchObject({
      status: 'error',
      error: { code: 'input_not_found', retryable: false },
    })
    expect(runpod.count('/run')).toBe(0)
  })

  it('refuses the input of another project', async () => {
    const runpod = new FakeRunpod().install()
    const job = await aCreatedJob()
    await env.VIDEOS.put(`input/${job.id}/clip.mp4`, 'video', { customMetadata: { project: '2' } })
    await job.ring()
    expect(await job.job()).toMatchObject({ status: 'error', error: { code: 'input_not_found' } })
    expect(runpod.count('/run')).toBe(0)
  })

  it('has no alarm but its retention once it owes nothing', async () => {
    new FakeRunpod().install()
    const job = await aCreatedJob()
    await job.ring()
    await storeOutput(job)
    await job.report(completed())
    await job.ring()
    const { expires_at } = await job.job()
    expect(await job.alarmAt()).toBe(Date.parse(expires_at ?? ''))
  })
})

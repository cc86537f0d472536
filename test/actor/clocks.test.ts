import { describe, expect, it } from 'vitest'
import {
  type ActorHandle,
  ANYONE,
  aCreatedJob,
  aRequest,
  aRunningJob,
  FakeRunpod,
  progress,
  storeOutput,
} from '../support/workerd/actors.ts'
import { MINUTE, pass, SECOND, useFarFutureClock } from '../support/workerd/clock.ts'

useFarFutureClock()

/** Advances time in steps, with an eviction before each alarm, as for a sleeping actor. */
async function sleepThrough(job: ActorHandle, ms: number): Promise<void> {
  const until = Date.now() + ms
  for (;;) {
    const at = await job.alarmAt()
    if (at === null || at > until) break
    if (at > Date.now()) pass(at - Date.now())
    await job.evict()
    await job.ring()
  }
  pass(Math.max(0, until - Date.now()))
}

describe('while it is queued', () => {
  it('asks RunPod after 1, 2, 4 and 8 minutes, and says why it waits', async () => {
    const runpod = new FakeRunpod().install()
    const job = await aCreatedJob()
    await job.ring()
    const asked: number[] = []
    const start = Date.now()
    for (let count = 0; count < 4; count++) {
      const before = runpod.count('/status')
      while (runpod.count('/status') === before) {
        const at = (await job.alarmAt()) ?? 0
        pass(Math.max(0, at - Date.now()))
        await job.evict()
        await job.ring()
      }
      asked.push((Date.now() - start) / MINUTE)
    }
    expect(asked).toEqual([1, 3, 7, 15])
    const { reason, next_action } = await job.job()
    expect(reason).toContain('no idle worker')
    expect(next_action).toMatchObject({ what: 'ask RunPod whether a worker took it' })
  })

  it('ends with queue_timeout after an hour, and cancels at RunPod', async () => {
    const runpod = new FakeRunpod().install()
    const job = await aCreatedJob()
    await job.ring()
    await sleepThrough(job, 61 * MINUTE)
    expect(await job.job()).toMatchObject({ status: 'error', error: { code: 'queue_timeout' } })
    expect(runpod.count('/cancel/rp-1-u1')).toBe(1)
    expect(runpod.count('/run')).toBe(1)
  })

  it('is processing as soon as RunPod says that it runs', async () => {
    const runpod = new FakeRunpod().install()
    const job = await aCreatedJob()
    await job.ring()
    runpod.jobs.set('rp-1-u1', { id: 'rp-1-u1', status: 'IN_PROGRESS' })
    await sleepThrough(job, 61 * SECOND)
    expect(await job.job()).toMatchObject({ status: 'processing' })
  })
})

describe('while it is processing', () => {
  it('silence leads to a question, and a living worker goes on', async () => {
    const runpod = new FakeRunpod().install()
    const job = await aRunningJob()
    runpod.jobs.set('rp-1-u1', { id: 'rp-1-u1', status: 'IN_PROGRESS' })
    await sleepThrough(job, 5 * MINUTE)
    expect(runpod.count('/status')).toBeGreaterThanOrEqual(4)
    expect(await job.job()).toMatchObject({ status: 'processing', attempt: 1 })
  })

  it.each([
    ['FAILED', { error: 'executionTimeout exceeded' }, 'execution_timeout'],
    ['FAILED', { error: 'job timed out after 1 retries' }, 'worker_lost'],
    ['FAILED', { error: '{"error_type":"X","error_message":"CUDA out of memory"}' }, 'out_of_memory'],
    ['TIMED_OUT', {}, 'execution_timeout'],
  ])('%s %o is retried as %s', async (status, more, code) => {
    const runpod = new FakeRunpod().install()
    const job = await aRunningJob()
    runpod.jobs.set('rp-1-u1', { id: 'rp-1-u1', status, ...more })
    pass(60 * SECOND)
    await job.ring()
    expect(await job.job()).toMatchObject({ status: 'pending', error: { code } })
    await sleepThrough(job, 6 * SECOND)
    expect(await job.job()).toMatchObject({ status: 'queued', attempt: 2, error: null })
  })

  it('an attempt past its execution timeout is cancelled at RunPod and retried', async () => {
    const runpod = new FakeRunpod().install()
    const job = await aRunningJob()
    for (let minute = 0; minute < 30; minute++) {
      pass(MINUTE)
      runpod.jobs.set('rp-1-u1', { id: 'rp-1-u1', status: 'IN_PROGRESS' })
      await job.report(progress(minute))
      await sleepThrough(job, 0)
    }
    expect(runpod.count('/cancel/rp-1-u1')).toBe(1)
    await sleepThrough(job, 6 * SECOND)
    expect(await job.job()).toMatchObject({ attempt: 2 })
  })
})

describe('whatever happens', () => {
  it('attempts used up end the job, after a last look for its file', async () => {
    const runpod = new FakeRunpod().install()
    runpod.answers.set('/status', () => Response.json({ id: 'x', status: 'FAILED', error: 'boom' }))
    const job = await aCreatedJob()
    await sleepThrough(job, 10 * MINUTE)
    expect(runpod.count('/run')).toBe(3)
    expect(await job.job()).toMatchObject({
      status: 'error',
      attempt: 3,
      error: { code: 'worker_error' },
    })
  })

  it('the last attempt is not given up while its finished file is there', async () => {
    const runpod = new FakeRunpod().install()
    const { policy } = aRequest()
    const job = await aRunningJob({ policy: { ...policy, maxAttempts: 1 } })
    await storeOutput(job)
    runpod.jobs.set('rp-1-u1', { id: 'rp-1-u1', status: 'FAILED', error: 'job timed out after 1 retries' })
    await sleepThrough(job, 62 * SECOND)
    expect(await job.job()).toMatchObject({ status: 'complete', attempt: 1 })
  })

  it('a job ends at its deadline, even with RunPod out of reach', async () => {
    const runpod = new FakeRunpod().install()
    const { policy } = aRequest()
    const job = await aRunningJob({
      policy: { ...policy, executionTimeoutMs: 60 * MINUTE, deadlineMs: 20 * MINUTE },
    })
    const down = () => Promise.reject(new Error('Network connection lost.'))
    runpod.answers.set('/status', down).set('/cancel', down)
    await sleepThrough(job, 20 * MINUTE)
    expect(await job.job()).toMatchObject({ status: 'error', error: { code: 'deadline_exceeded' } })
  })

  it('nothing rings for an ended job but what it still owes, then its retention', async () => {
    new FakeRunpod().install()
    const job = await aRunningJob()
    await job.stub.command({ type: 'cancel', by: 'test' }, ANYONE)
    await job.ring()
    // The last removal of stale files, when the attempt's PUT URL has expired.
    const lastLook = (await job.alarmAt()) ?? 0
    expect(lastLook - Date.now()).toBeGreaterThan(99 * MINUTE)
    pass(lastLook - Date.now())
    await job.ring()
    expect(await job.alarmAt()).toBe(Date.parse((await job.job()).expires_at ?? ''))
  })
})

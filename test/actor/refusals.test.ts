/** RunPod or R2 refuses a job for a cause outside of it: the job waits, and keeps its attempts. */
import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import { aPolicy } from '../support/node/builders.ts'
import {
  type ActorHandle,
  aCreatedJob,
  completed,
  FakeRunpod,
  progress,
  ringUntil,
  ringWhenDue,
  storeOutput,
} from '../support/workerd/actors.ts'
import { MINUTE, useFarFutureClock } from '../support/workerd/clock.ts'

useFarFutureClock()

const ONE_ATTEMPT = { policy: aPolicy({ maxAttempts: 1 }) }

async function completes(job: ActorHandle, attempt: number): Promise<void> {
  const ref = { round: 1, attempt }
  await job.report(progress(10, ref))
  await storeOutput(job, ref)
  await job.report(completed(ref))
  await job.ring()
  expect(await job.job()).toMatchObject({ status: 'complete', attempt: 1, max_attempts: 1 })
}

describe('Refusals of /run', () => {
  // The core counts to fifty for each cause; here one of them does, with all that is stored and sent.
  it.each([
    [401, 'runpod_unauthorized', 5],
    [402, 'runpod_no_credit', 5],
    [403, 'runpod_forbidden', 5],
    [404, 'runpod_endpoint_not_found', 5],
    [429, 'runpod_rate_limited', 50],
    [500, 'runpod_unavailable', 5],
    [503, 'runpod_unavailable', 5],
  ])(
    'with %i (%s), %i times, use up no attempt, and are three lines of the log',
    async (status, code, times) => {
      const runpod = new FakeRunpod().install()
      runpod.answers.set('/run', () => new Response('{}', { status }))
      const job = await aCreatedJob(ONE_ATTEMPT)
      await ringUntil(job, () => runpod.count('/run') >= times)
      expect(await job.job()).toMatchObject({
        status: 'pending',
        attempt: 0,
        error: { code, retryable: true },
      })
      expect(await job.types()).toEqual(['created', 'attempt_started', 'attempt_failed'])
      await job.evict()
      runpod.answers.clear()
      await ringUntil(job, () => runpod.count('/run') > times)
      expect((await job.types()).slice(3)).toEqual(['refused_again', 'attempt_started', 'queued'])
      expect((await job.events())[3]?.data).toMatchObject({ code, times })
      await completes(job, times + 1)
    },
  )
})

it('A request that RunPod rejects for what it says ends the job', async () => {
  const runpod = new FakeRunpod().install()
  runpod.answers.set('/run', () => Response.json({ error: 'no such field' }, { status: 400 }))
  const job = await aCreatedJob()
  await job.ring()
  expect(await job.job()).toMatchObject({ status: 'error', attempt: 1, error: { code: 'dispatch_rejected' } })
  expect(runpod.count('/run')).toBe(1)
})

it('R2 out of reach for three minutes at the look for the input uses up no attempt', async () => {
  const runpod = new FakeRunpod().install()
  const job = await aCreatedJob(ONE_ATTEMPT)
  const head = vi.spyOn(env.VIDEOS, 'head').mockRejectedValue(new Error('R2 is down'))
  const until = Date.now() + 3 * MINUTE
  while (Date.now() < until) await ringWhenDue(job)
  expect(head.mock.calls.length).toBeGreaterThan(5)
  expect(await job.job()).toMatchObject({
    status: 'pending',
    attempt: 0,
    error: { code: 'storage_unavailable' },
  })
  expect(await job.types()).toEqual(['created', 'attempt_started', 'attempt_failed'])
  const refused = head.mock.calls.length
  head.mockRestore()
  await ringUntil(job, () => runpod.count('/run') >= 1)
  await completes(job, refused + 1)
})

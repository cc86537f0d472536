/** The poster of a result: found, kept and removed with it; a job is complete without one. */
import { env } from 'cloudflare:workers'
import { expect, it, vi } from 'vitest'
import {
  type ActorHandle,
  ANYONE,
  aCreatedJob,
  completed,
  FakeRunpod,
  FIRST,
  progress,
  storeOutput,
} from '../support/workerd/actors.ts'
import { MINUTE, pass, SECOND, useFarFutureClock } from '../support/workerd/clock.ts'

useFarFutureClock()

const posterKey = ({ id }: ActorHandle, ref = FIRST) => `output/${id}/${ref.round}-${ref.attempt}.jpg`

async function storePoster(job: ActorHandle, ref = FIRST): Promise<string> {
  const key = posterKey(job, ref)
  await env.VIDEOS.put(key, 'still', { customMetadata: { project: '1' } })
  return key
}

async function complete(job: ActorHandle, ref = FIRST) {
  await storeOutput(job, ref)
  await job.report(completed(ref))
  await job.ring()
  const done = await job.job()
  expect(done).toMatchObject({ status: 'complete' })
  return done
}

const filesOf = async ({ id }: ActorHandle) =>
  (await env.VIDEOS.list({ prefix: `output/${id}/` })).objects.map(({ key }) => key.split('/').at(-1))

async function aDispatchedJob() {
  const runpod = new FakeRunpod().install()
  const job = await aCreatedJob()
  await job.ring()
  return { job, runpod }
}

it('is asked for beside the result, by a URL of its own: once, a JPEG, of a bounded size', async () => {
  const { job, runpod } = await aDispatchedJob()
  const { poster_put_url: url, put_url: result } = runpod.lastRun().input.output
  expect(decodeURIComponent(new URL(url).pathname)).toBe(`/api/videos/upload/${posterKey(job)}`)
  const query = new URL(url).searchParams
  expect(Object.fromEntries(query)).toMatchObject({
    type: 'image/jpeg',
    once: '1',
    project: '1',
    most: '5000000',
  })
  expect(query.get('exp')).toBe(new URL(result).searchParams.get('exp'))
})

it('is shown with the result, under its name, and by an address that shows it', async () => {
  const { job } = await aDispatchedJob()
  await storePoster(job)
  expect(await job.job()).toMatchObject({ poster_url: null })
  const { poster_url, output_url } = await complete(job)
  expect(poster_url).toMatch(/^\/api\/videos\/download\/output\/.*\/1-1\.jpg\?.*sig=.*&inline=1$/)
  expect(new URLSearchParams(poster_url?.split('?')[1]).get('name')).toBe('clip-overlay.jpg')
  expect(output_url).toMatch(/1-1\.mp4/)
  await job.evict()
  expect(await job.job()).toMatchObject({ poster_url })
})

it('is found also where the completion was lost and RunPod alone says that it is done', async () => {
  const { job, runpod } = await aDispatchedJob()
  await job.report(progress(50))
  await storePoster(job)
  await storeOutput(job)
  runpod.jobs.set('rp-1-u1', { id: 'rp-1-u1', status: 'COMPLETED' })
  pass(2 * MINUTE)
  await job.ring()
  await job.ring()
  expect(await job.job()).toMatchObject({ status: 'complete', poster_url: expect.stringMatching(/1-1\.jpg/) })
})

it.each([
  ['is not there', async () => {}],
  [
    'is empty',
    async (job: ActorHandle): Promise<void> => {
      await env.VIDEOS.put(posterKey(job), '')
    },
  ],
  [
    'cannot be asked for',
    async (job: ActorHandle): Promise<void> => {
      await storePoster(job)
      const head = env.VIDEOS.head.bind(env.VIDEOS)
      vi.spyOn(env.VIDEOS, 'head').mockImplementation(
        (key): Promise<R2Object | null> =>
          key.endsWith('.jpg') ? Promise.reject(new Error('R2: internal error')) : head(key),
      )
    },
  ],
] as const)('fails nothing and delays nothing where it %s', async (_, prepare) => {
  const { job } = await aDispatchedJob()
  await prepare(job)
  expect(await complete(job)).toMatchObject({ poster_url: null, error: null })
})

it('stays with the winner through both looks for stale files, when those of other attempts go', async () => {
  const { job } = await aDispatchedJob()
  await job.report(progress(10))
  await storePoster(job)
  const failure = { code: 'worker_error', message: 'It broke.', retryable: true }
  await job.report({ type: 'failed', ref: FIRST, failure, runpodJobId: null })
  const second = { round: 1, attempt: 2 }
  for (let i = 0; i < 20 && (await job.job()).attempt < 2; i++) {
    pass(SECOND)
    await job.ring()
  }
  await storePoster(job, second)
  const done = await complete(job, second)
  await job.ring()
  expect(await filesOf(job)).toEqual(['1-2.jpg', '1-2.mp4'])
  await storePoster(job)
  pass(3 * 60 * MINUTE)
  await job.ring()
  expect(await filesOf(job)).toEqual(['1-2.jpg', '1-2.mp4'])
  expect((await job.job()).output_video_key).toBe(done.output_video_key)
})

it('goes with the job', async () => {
  const { job } = await aDispatchedJob()
  await storePoster(job)
  await complete(job)
  await job.stub.command({ type: 'delete', by: 'test' }, ANYONE)
  await job.ring()
  expect(await filesOf(job)).toEqual([])
})

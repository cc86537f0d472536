/** A view signs a link to the input once the check before a dispatch has found it, and to outputs of its own job. */
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import type { JobJson } from '../../wire/job.ts'
import {
  type ActorHandle,
  ANYONE,
  aCreatedJob,
  completed,
  FakeRunpod,
  FIRST,
  storeOutput,
} from '../support/workerd/actors.ts'
import { pass, SECOND, useFarFutureClock } from '../support/workerd/clock.ts'

useFarFutureClock()

const LINK = /^\/api\/videos\/download\/input\/.*\?project=1&exp=\d+&sig=/

const inputUrl = async (job: ActorHandle) => (await job.job()).input_url

/** The jobs that a watcher has received so far. */
async function watched(job: ActorHandle): Promise<() => JobJson[]> {
  const { webSocket } = await job.stub.fetch('https://x/ws', { headers: { Upgrade: 'websocket' } })
  const seen: JobJson[] = []
  webSocket?.addEventListener('message', ({ data }) => {
    const { job: shown } = JSON.parse(String(data))
    if (shown) seen.push(shown)
  })
  webSocket?.accept()
  return () => seen
}

describe('The address of the input', () => {
  it('is given out once the look before the dispatch has found it', async () => {
    new FakeRunpod().install()
    const job = await aCreatedJob()
    expect(await inputUrl(job)).toBeNull()
    await job.ring()
    expect(await inputUrl(job)).toMatch(LINK)
    await job.evict()
    expect(await inputUrl(job)).toMatch(LINK)
  })

  it.each([
    ['refuses', () => new Response('{}', { status: 429 })],
    ['fails', () => new Response('{}', { status: 502 })],
  ])('is given out when the look has found it, though RunPod %s', async (_, answer) => {
    new FakeRunpod().install().answers.set('/run', answer)
    const job = await aCreatedJob()
    await job.ring()
    await job.evict()
    expect(await inputUrl(job)).toMatch(LINK)
  })

  it('is not given out when the file is another project’s, in any round and to any watcher', async () => {
    new FakeRunpod().install()
    const job = await aCreatedJob()
    const seen = await watched(job)
    await env.VIDEOS.put(`input/${job.id}/clip.mp4`, 'theirs', { customMetadata: { project: '2' } })
    await job.ring()
    expect(await job.job()).toMatchObject({ error: { code: 'input_not_found' }, input_url: null })
    await job.stub.command({ type: 'retry', by: 'test' }, ANYONE)
    expect(await inputUrl(job)).toBeNull()
    await job.ring()
    await job.evict()
    expect(await inputUrl(job)).toBeNull()
    expect(seen().map(({ input_url }) => input_url)).not.toContainEqual(expect.any(String))
  })

  it('is given out no more once a later look has not found the file', async () => {
    const runpod = new FakeRunpod().install()
    const job = await aCreatedJob()
    await job.ring()
    await job.stub.command({ type: 'cancel', by: 'test' }, ANYONE)
    await job.ring()
    expect(await inputUrl(job)).toMatch(LINK)
    await env.VIDEOS.delete(`input/${job.id}/clip.mp4`)
    await job.stub.command({ type: 'retry', by: 'test' }, ANYONE)
    pass(SECOND)
    await job.ring()
    expect(await job.job()).toMatchObject({ error: { code: 'input_not_found' }, input_url: null })
    expect(runpod.count('/run')).toBe(1)
  })
})

it('The result is signed for the job’s own project, under the name of its source and type', async () => {
  new FakeRunpod().install()
  const job = await aCreatedJob()
  await job.ring()
  await storeOutput(job, FIRST)
  await job.report(completed())
  await job.ring()
  const { output_url } = await job.job()
  const query = new URLSearchParams(output_url?.split('?')[1])
  expect([query.get('project'), query.get('name')]).toEqual(['1', 'clip-overlay.mp4'])
})

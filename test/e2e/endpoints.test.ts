/**
 * The settings change to another endpoint while jobs are at the first: real processes of the service, with two
 * simulated RunPods whose answers are set here. Run by `npm run test:lanes`.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createExports } from '../../client/index.ts'
import { SimulatedEndpoint } from '../support/node/simulated-endpoint.ts'
import { type StartedStack, startStack } from '../support/node/started-stack.ts'

const a = new SimulatedEndpoint('a')
const b = new SimulatedEndpoint('b')
const vars = { RUNPOD_ENDPOINT: '' }
let started: StartedStack | undefined
let client: ReturnType<typeof createExports>

beforeAll(async () => {
  vars.RUNPOD_ENDPOINT = await a.open()
  started = await startStack('endpoints', { vars })
  client = createExports({ baseUrl: started.stack.url })
})
afterAll(async () => {
  await started?.stop()
  a.close()
  b.close()
})

/** The timeout covers the pauses between two tries of a cancel. */
const within = (condition: () => boolean | Promise<boolean>) =>
  expect.poll(condition, { timeout: 90_000, interval: 200 }).toBe(true)

async function aJob(): Promise<string> {
  const file = new Blob(['a video'], { type: 'video/mp4' })
  const { video_key } = await client.uploadVideo(file, { projectId: 1, filename: 'clip.mp4' })
  const body = { project_id: 1, type: 'transcode' as const, input_video_key: video_key }
  const { job_id: id } = await client.jobs.create(body)
  await within(async () => (await client.jobs.get(id)).status === 'queued')
  return id
}

async function recheck(id: string): Promise<void> {
  const answer = await fetch(`${started?.stack.url}/api/admin/jobs/${id}/actions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ action: 'recheck', reason: 'The settings have changed.' }),
  })
  expect(answer.status).toBe(200)
}

const statusOf = async (id: string) => (await client.jobs.get(id)).status

it('Jobs at an endpoint that the settings no longer name are asked about and cancelled there alone', async () => {
  const [running, queued, cancelling] = [await aJob(), await aJob(), await aJob()]
  a.jobs.set('a-1', 'IN_PROGRESS')
  await recheck(running)
  await within(async () => (await statusOf(running)) === 'processing')
  await client.jobs.cancel(cancelling)
  await within(() => a.asked('cancel', 'a-3'))
  expect(await statusOf(cancelling)).toBe('cancelling')

  started?.stack.killService()
  vars.RUNPOD_ENDPOINT = await b.open()
  a.calls.length = 0
  a.isOurs = false
  await started?.stack.startService()
  for (const id of [running, queued]) await recheck(id)
  await within(() => ['status a-1', 'status a-2', 'cancel a-3'].every((call) => a.calls.includes(call)))
  // Another wake, so that the results of the first answers are committed.
  for (const id of [running, queued]) await recheck(id)
  await within(() => a.calls.filter((call) => call === 'cancel a-3').length >= 2)
  expect(await Promise.all([running, queued, cancelling].map(statusOf))).toEqual([
    'processing',
    'queued',
    'cancelling',
  ])

  const fourth = await aJob()
  expect(b.jobs.size).toBe(1)
  a.isOurs = true
  a.obeysCancel = true
  for (const id of [running, queued]) await client.jobs.cancel(id)
  for (const id of [running, queued, cancelling])
    await within(async () => (await statusOf(id)) === 'cancelled')
  for (const id of [running, queued, cancelling])
    expect((await client.jobs.events(id)).events.at(-1)).toMatchObject({
      type: 'cancelled',
      data: { confirmed: true },
    })
  expect([...a.jobs.values()]).toEqual(['CANCELLED', 'CANCELLED', 'CANCELLED'])
  expect(await statusOf(fourth)).toBe('queued')
  expect(a.calls.filter((call) => call === 'run')).toEqual([])
  expect(b.calls.filter((call) => /a-/.test(call))).toEqual([])
})

/**
 * RunPod is out of order in one way after the other while jobs wait: real processes of the service, with a simulated
 * RunPod whose answers are set here. Run by `npm run test:lanes`.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createExports } from '../../client/index.ts'
import type { LaneJson } from '../../wire/admin.ts'
import { SimulatedEndpoint } from '../support/node/simulated-endpoint.ts'
import { type StartedStack, startStack } from '../support/node/started-stack.ts'

const JOBS = 6
const NO_CLEAR_ANSWER = 'RunPod gave no clear answer.'
const OUTAGES: readonly (readonly [outage: SimulatedEndpoint['outage'], detail: string])[] = [
  [[503, { error: 'No capacity.' }], 'RunPod could not take the job (503).'],
  [[401, {}], 'RunPod refused the API key (401); check RUNPOD_API_KEY.'],
  [[502, '<html>Bad gateway</html>'], NO_CLEAR_ANSWER],
  ['hang', NO_CLEAR_ANSWER],
]

const runpod = new SimulatedEndpoint('outage')
let started: StartedStack | undefined
let client: ReturnType<typeof createExports>

beforeAll(async () => {
  started = await startStack('outage', { vars: { RUNPOD_ENDPOINT: await runpod.open() } })
  client = createExports({ baseUrl: started.stack.url })
})
afterAll(async () => {
  await started?.stop()
  runpod.close()
})

const within = (condition: () => boolean | Promise<boolean>) =>
  expect.poll(condition, { timeout: 180_000, interval: 200 }).toBe(true)

async function breaker(): Promise<LaneJson['breaker']> {
  const answer = await fetch(`${started?.stack.url}/api/admin/lanes`)
  const { lanes } = (await answer.json()) as { lanes: LaneJson[] }
  return lanes[0]?.breaker ?? null
}

/** Closes the breaker, as an operator does who knows that RunPod is well again. */
async function resume(): Promise<void> {
  const answer = await fetch(`${started?.stack.url}/api/admin/lanes/default/actions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ action: 'resume', reason: 'RunPod should be well again.' }),
  })
  expect(answer.status).toBe(200)
}

async function createMany(): Promise<string[]> {
  const file = new Blob(['a video'], { type: 'video/mp4' })
  const { video_key } = await client.uploadVideo(file, { projectId: 1, filename: 'clip.mp4' })
  const body = {
    project_id: 1,
    type: 'transcode' as const,
    input_video_key: video_key,
    policy: { max_attempts: 1 },
  }
  const made = await Promise.all(Array.from({ length: JOBS }, () => client.jobs.create(body)))
  return made.map(({ job_id }) => job_id)
}

it('Jobs of one attempt outlast refusals, a wrong key, a broken gateway and silence, and are sent once', async () => {
  let ids: string[] = []
  for (const [outage, detail] of OUTAGES) {
    runpod.outage = outage
    if (ids.length === 0) ids = await createMany()
    else await resume()
    // Of an attempt that met an outage, not knowing whether RunPod accepted it does not count either.
    await within(async () => (await breaker())?.detail === detail)
    const jobs = await Promise.all(ids.map((id) => client.jobs.get(id)))
    expect({ detail, statuses: new Set(jobs.map(({ status }) => status)) }).toEqual({
      detail,
      statuses: new Set(['pending']),
    })
  }
  runpod.outage = null
  await resume()
  await within(async () => (await Promise.all(ids.map((id) => client.jobs.get(id)))).every(isQueued))
  expect(runpod.jobs.size).toBe(JOBS)
  const calls = runpod.calls.filter((call) => call === 'run').length
  console.log(`${JOBS} jobs were sent ${calls} times, ${JOBS} of them accepted`)
})

const isQueued = ({ status, attempt }: { status: string; attempt: number }) =>
  status === 'queued' && attempt === 1

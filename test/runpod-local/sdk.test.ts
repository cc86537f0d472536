import runpodSdk from 'runpod-sdk'
import { expect, it, vi } from 'vitest'
import { startLocal } from '../support/node/runpod-local/local.ts'

/** RunPod's own client, with only its `baseUrl` option pointing here. */
async function client(worker: Parameters<typeof startLocal>[0] = {}) {
  const local = await startLocal(worker)
  const endpoint = runpodSdk('local-key', { baseUrl: `${local.url}/v2` }).endpoint('any-name')
  if (endpoint === null) throw new Error('the SDK gave no endpoint')
  return { local, endpoint }
}

const double = async ({ input }: { input: Record<string, unknown> }) => ({ doubled: Number(input.n) * 2 })

it('runs a job and reads its status until it completed', async () => {
  const { local, endpoint } = await client({ worker: double })
  const accepted = await endpoint.run({ input: { n: 21 } })
  expect(accepted).toEqual({ id: expect.stringMatching(/^[0-9a-f-]{36}-u1$/), status: 'IN_QUEUE' })
  await local.reaches(accepted.id, 'COMPLETED')
  expect(await endpoint.status(accepted.id)).toEqual({
    id: accepted.id,
    status: 'COMPLETED',
    output: { doubled: 42 },
    input: { n: 21 },
    delayTime: expect.any(Number),
    executionTime: expect.any(Number),
    workerId: expect.any(String),
    started: true,
    completed: true,
    succeeded: true,
  })
})

it('runs a job and waits for it in one call', async () => {
  const { endpoint } = await client({ worker: double })
  const result = await endpoint.runSync({ input: { n: 4 } })
  expect(result).toMatchObject({
    status: 'COMPLETED',
    output: { doubled: 8 },
    completed: true,
    succeeded: true,
  })
  expect(result.id).toMatch(/^sync-/)
})

it('goes on waiting with status-sync when the first call came back too early', async () => {
  const gate = Promise.withResolvers<void>()
  const { endpoint, local } = await client({ worker: () => gate.promise.then(() => 'late') })
  vi.spyOn(console, 'log').mockImplementation(() => {})
  const result = endpoint.runSync({ input: { n: 1 } }, 1_200)
  await vi.waitFor(async () => expect((await local.jobs())[0]?.status).toBe('IN_PROGRESS'))
  const sync = endpoint.statusSync(String((await local.jobs())[0]?.id), 5_000)
  gate.resolve()
  expect(await sync).toMatchObject({ status: 'COMPLETED', output: 'late' })
  expect(await result).toMatchObject({ output: 'late', completed: true })
})

it('streams the parts of a job as they come', async () => {
  const gate = Promise.withResolvers<void>()
  const { endpoint } = await client({
    worker: async ({ stream }) => {
      stream({ part: 1 })
      await gate.promise
      stream({ part: 2 })
      stream({ part: 3 })
    },
  })
  const { id } = await endpoint.run({ input: { n: 1 } })
  const parts: unknown[] = []
  for await (const part of endpoint.stream(id)) {
    parts.push(part)
    gate.resolve()
  }
  expect(parts).toEqual([{ output: { part: 1 } }, { output: { part: 2 } }, { output: { part: 3 } }])
})

it('cancels, purges and reads health', async () => {
  const { endpoint, local } = await client({
    worker: ({ signal }) => new Promise((done) => signal.addEventListener('abort', () => done(null))),
  })
  const running = await endpoint.run({ input: { n: 1 } })
  await local.reaches(running.id, 'IN_PROGRESS')
  await endpoint.run({ input: { n: 2 } })
  await endpoint.run({ input: { n: 3 } })
  expect(await endpoint.health()).toEqual({
    jobs: { completed: 0, failed: 0, inProgress: 1, inQueue: 2, retried: 0 },
    workers: { idle: 0, initializing: 0, ready: 0, running: 1, throttled: 0, unhealthy: 0 },
  })
  expect(await endpoint.purgeQueue()).toEqual({ removed: 2, status: 'completed' })
  expect(await endpoint.cancel(running.id)).toEqual({ id: running.id, status: 'CANCELLED' })
  expect(await endpoint.status(running.id)).toMatchObject({
    status: 'CANCELLED',
    completed: true,
    succeeded: false,
  })
})

it('makes the SDK throw on a job that is not there, with the status in it', async () => {
  const { endpoint } = await client()
  await expect(endpoint.status('no-such-job')).rejects.toMatchObject({
    response: { status: 404, data: { detail: 'job not found' } },
  })
})

import { afterEach, beforeEach, expect, test } from 'vitest'
import WebSocketOfWs from 'ws'
import { createExports, ExportalError, ExportalTimeoutError, ExportJobFailed } from '../../client/index.ts'
import { FakeServer } from '../support/node/client/fake-server.ts'
import { quick } from '../support/node/client/samples.ts'

let server: FakeServer

beforeEach(async () => {
  server = await FakeServer.start()
})
afterEach(() => server.stop())

const client = () => createExports({ baseUrl: server.url, timings: quick })

test('resolves with the complete job, and reports progress on the way', async () => {
  const { id } = server.add()
  const bar: number[] = []
  const waiting = client().jobs.waitFor(id, { onProgress: (percent) => bar.push(percent) })
  await server.until(() => server.watchers(id) === 1)
  server.progress(id, 30)
  server.drop(id)
  await server.until(() => server.watchers(id) === 1)
  server.progress(id, 20)
  server.progress(id, 70)
  server.change(id, { status: 'complete', progress: 100, output_url: '/file' })
  expect(await waiting).toMatchObject({ status: 'complete', output_url: '/file' })
  expect(bar.at(-1)).toBe(100)
  expect(bar).toEqual(bar.toSorted((a, b) => a - b))
})

test('progress begins anew with a new attempt, openly', async () => {
  const { id } = server.add({ progress: 80 })
  const seen: string[] = []
  const onProgress = (percent: number, { round, attempt }: { round: number; attempt: number }) =>
    seen.push(`${round}.${attempt} ${percent}`)
  const waiting = client().jobs.waitFor(id, { onProgress })
  await server.until(() => server.watchers(id) === 1)
  server.change(id, { attempt: 2, progress: 0 })
  server.change(id, { attempt: 2, progress: 5 })
  server.change(id, { round: 2, attempt: 2, progress: 1 })
  server.change(id, { status: 'complete', progress: 100 })
  await waiting
  expect(seen).toEqual(['1.1 80', '1.2 0', '1.2 5', '2.2 1', '2.2 100'])
})

test('a failed job rejects with the job and its error', async () => {
  const error = { code: 'out_of_memory', message: 'The GPU ran out of memory.', retryable: true }
  const { id } = server.add({ status: 'error', error })
  const failure = await client()
    .jobs.waitFor(id)
    .catch((failure: unknown) => failure)
  expect(failure).toBeInstanceOf(ExportJobFailed)
  expect(failure).toMatchObject({
    job: { id, status: 'error' },
    error,
    message: 'Export job-1 failed: The GPU ran out of memory. (out_of_memory)',
  })
})

test('so does a cancelled one, unless asked to resolve', async () => {
  const job = server.add({ status: 'cancelled' })
  await expect(client().jobs.waitFor(job)).rejects.toMatchObject({
    name: 'ExportJobFailed',
    error: null,
    message: 'Export job-1 ended as cancelled',
  })
  expect(await client().jobs.waitFor(job, { resolveFailed: true })).toEqual(job)
})

test('running out of time names the job, which goes on', async () => {
  const { id } = server.add()
  const watching = client().jobs.waitFor(id, { timeoutMs: 500 })
  const error = await watching.catch((error: unknown) => error)
  expect(error).toBeInstanceOf(ExportalTimeoutError)
  expect(error).toMatchObject({ jobId: id, job: { id, status: 'processing' } })
  await server.until(() => server.watchers(id) === 0)
})

test('aborting and refusals reject as they are', async () => {
  const { id } = server.add()
  const controller = new AbortController()
  const waiting = client().jobs.waitFor(id, { signal: controller.signal })
  await server.until(() => server.watchers(id) === 1)
  controller.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
  await expect(client().jobs.waitFor('none')).rejects.toBeInstanceOf(ExportalError)
})

test('it works with the WebSocket of ws, which Node 20 needs', async () => {
  const { id } = server.add()
  const exportal = createExports({ baseUrl: server.url, WebSocket: WebSocketOfWs, timings: quick })
  server.refusals = 1
  const waiting = exportal.jobs.waitFor(id)
  await server.until(() => server.watchers(id) === 1)
  server.drop(id)
  await server.until(() => server.watchers(id) === 1)
  server.change(id, { status: 'complete' })
  expect((await waiting).status).toBe('complete')
  expect(server.dials).toHaveLength(3)
})

/** After the browser's `online` event nothing waits for the rest of its pause. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createExports, type Timings } from '../../client/index.ts'
import { eventually } from '../support/eventually.ts'
import { FakeServer } from '../support/node/client/fake-server.ts'
import { quick } from '../support/node/client/samples.ts'

let server: FakeServer

beforeEach(async () => {
  server = await FakeServer.start()
})
afterEach(() => server.stop())

const LONG_MS = 3_600_000
const client = (timings: Partial<Timings>) =>
  createExports({ baseUrl: server.url, timings: { ...quick, ...timings } })

test('a socket that is to be dialled in an hour is dialled now', async () => {
  const { id } = server.add()
  const watch = client({ minReconnectMs: LONG_MS, maxReconnectMs: LONG_MS }).jobs.watch(id)
  await server.until(() => server.watchers(id) === 1)
  server.drop(id)
  await eventually(() => watch.state.status === 'reconnecting')
  server.page.goOnline()
  await server.until(() => server.watchers(id) === 1)
  server.change(id, { status: 'complete' })
  expect((await watch.done).status).toBe('complete')
  await eventually(() => server.page.waiting === 0)
})

test('a socket that only seems open is replaced, and nothing is lost or repeated', async () => {
  const { id } = server.add()
  const seqs: number[] = []
  const watch = client({}).jobs.watch(id, { onEvent: ({ seq }) => seqs.push(seq) })
  await eventually(() => watch.state.status === 'live')
  server.mute = true
  server.change(id, {})
  server.mute = false
  server.page.goOnline()
  await server.until(() => server.dials.length === 2)
  await eventually(() => seqs.length === 1)
  server.change(id, { status: 'complete' })
  await watch.done
  expect(seqs).toEqual([2, 3])
})

test('a poll that is to be repeated in an hour is repeated now', async () => {
  const { id } = server.add()
  server.refusals = Number.POSITIVE_INFINITY
  const watch = client({ pollIntervalMs: LONG_MS }).jobs.watch(id)
  const polls = () => server.requests.filter(({ path }) => path === `/api/jobs/${id}`).length
  await server.until(() => polls() === 1)
  await eventually(() => server.page.waiting > 0)
  server.change(id, { status: 'complete' })
  server.page.goOnline()
  expect((await watch.done).status).toBe('complete')
  await eventually(() => server.page.waiting === 0)
})

/** A browser tells when it is online again; nothing then waits for its pause to end. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createExports, type Timings } from '../../client/index.ts'
import { FakeServer } from './fake-server.ts'
import { quick } from './samples.ts'

let server: FakeServer
let page: EventTarget
let listeners: number

beforeEach(async () => {
  server = await FakeServer.start()
  page = new EventTarget()
  listeners = 0
  vi.stubGlobal('addEventListener', (name: string, act: () => void) => {
    listeners++
    page.addEventListener(name, act)
  })
  vi.stubGlobal('removeEventListener', (name: string, act: () => void) => {
    listeners--
    page.removeEventListener(name, act)
  })
})
afterEach(async () => {
  vi.unstubAllGlobals()
  await server.stop()
})

const LONG_MS = 3_600_000
const client = (timings: Partial<Timings>) =>
  createExports({ baseUrl: server.url, timings: { ...quick, ...timings } })
const goOnline = () => page.dispatchEvent(new Event('online'))

test('a socket that is to be dialled in an hour is dialled now', async () => {
  const { id } = server.add()
  const watch = client({ minReconnectMs: LONG_MS, maxReconnectMs: LONG_MS }).jobs.watch(id)
  await server.until(() => server.watchers(id) === 1)
  server.drop(id)
  await vi.waitUntil(() => watch.state.status === 'reconnecting')
  goOnline()
  await server.until(() => server.watchers(id) === 1)
  server.change(id, { status: 'complete' })
  expect((await watch.done).status).toBe('complete')
  await vi.waitUntil(() => listeners === 0)
})

test('a socket that only seems open is replaced, and nothing is lost or repeated', async () => {
  const { id } = server.add()
  const seqs: number[] = []
  const watch = client({}).jobs.watch(id, { onEvent: ({ seq }) => seqs.push(seq) })
  await vi.waitUntil(() => watch.state.status === 'live')
  server.mute = true
  server.change(id, {})
  server.mute = false
  goOnline()
  await server.until(() => server.dials.length === 2)
  await vi.waitUntil(() => seqs.length === 1)
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
  await vi.waitUntil(() => listeners > 0)
  server.change(id, { status: 'complete' })
  goOnline()
  expect((await watch.done).status).toBe('complete')
  await vi.waitUntil(() => listeners === 0)
})

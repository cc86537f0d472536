import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createExports } from '../../client/index.ts'
import { createJobStore, type JobStore } from '../../client/store.ts'
import { FakeServer } from '../support/node/client/fake-server.ts'
import { quick } from '../support/node/client/samples.ts'

let server: FakeServer
let subscribed: (() => void)[]

beforeEach(async () => {
  server = await FakeServer.start()
  subscribed = []
})
afterEach(() => {
  for (const unsubscribe of subscribed) unsubscribe()
  return server.stop()
})

const client = () => createExports({ baseUrl: server.url, timings: quick })

/** Subscribes until the end of the test, and resolves when the state is as wanted. */
function reached(store: JobStore, wanted: () => boolean): Promise<() => void> {
  return new Promise((resolve) => {
    const check = () => wanted() && resolve(unsubscribe)
    const unsubscribe = store.subscribe(check)
    subscribed.push(unsubscribe)
    check()
  })
}

test('nothing is dialled before somebody subscribes, and the state is the same object until it changes', async () => {
  const { id } = server.add({ progress: 20 })
  const store = createJobStore(client(), id)
  const before = store.getSnapshot()
  expect(before).toEqual({ job: null, progress: 0, connection: 'idle', seq: null, error: null })
  expect(store.getSnapshot()).toBe(before)
  const unsubscribe = await reached(store, () => store.getSnapshot().progress === 20)
  expect(store.getSnapshot()).toMatchObject({ job: { id }, connection: 'live', seq: 1 })
  expect(store.getSnapshot()).toBe(store.getSnapshot())
  server.progress(id, 55)
  await reached(store, () => store.getSnapshot().progress === 55)
  expect(server.dials).toHaveLength(1)
  unsubscribe()
})

test('the last one to leave hangs up, and the next resumes with the job in view all the time', async () => {
  const { id } = server.add()
  const store = createJobStore(client(), id)
  const leave = await reached(store, () => store.getSnapshot().job !== null)
  leave()
  await server.until(() => server.watchers(id) === 0)
  expect(store.getSnapshot()).toMatchObject({ job: { id }, connection: 'idle' })
  server.change(id, { progress: 70 })
  const again = reached(store, () => store.getSnapshot().progress === 70)
  expect(store.getSnapshot().job).not.toBeNull()
  ;(await again)()
  expect(server.dials[1]?.searchParams.get('after')).toBe('1')
})

test('leaving and coming back within a turn keeps the socket', async () => {
  const { id } = server.add()
  const store = createJobStore(client(), id)
  const leave = await reached(store, () => store.getSnapshot().job !== null)
  leave()
  const done = reached(store, () => store.getSnapshot().job?.status === 'complete')
  await Promise.resolve()
  server.change(id, { status: 'complete', progress: 100 })
  await done
  expect(server.dials).toHaveLength(1)
})

test('an end that was kept is asked for once, and watched again when restarted after a retry', async () => {
  const { id } = server.add()
  const store = createJobStore(client(), id)
  const closed = reached(store, () => store.getSnapshot().connection === 'closed')
  await server.until(() => server.watchers(id) === 1)
  server.change(id, { status: 'error' })
  ;(await closed)()
  await Promise.resolve()
  expect(store.getSnapshot().connection).toBe('idle')
  const leave = await reached(store, () => store.getSnapshot().connection === 'closed')
  expect(server.dials).toHaveLength(2)
  server.change(id, { status: 'pending', round: 2 })
  store.restart()
  await reached(store, () => store.getSnapshot().job?.round === 2)
  expect(store.getSnapshot().connection).toBe('live')
  expect(server.dials).toHaveLength(3)
  leave()
})

test('an end that was kept while nobody was subscribed gives way to the round that was started meanwhile', async () => {
  const { id } = server.add()
  const store = createJobStore(client(), id)
  const closed = reached(store, () => store.getSnapshot().connection === 'closed')
  await server.until(() => server.watchers(id) === 1)
  server.change(id, { status: 'error' })
  ;(await closed)()
  await Promise.resolve()
  server.change(id, { status: 'pending', round: 2 })
  const again = reached(store, () => store.getSnapshot().job?.round === 2)
  expect(store.getSnapshot().job?.status).toBe('error')
  const leave = await again
  expect(store.getSnapshot()).toMatchObject({ job: { status: 'pending' }, connection: 'live' })
  leave()
})

test('a second subscriber has a kept end asked for as well, also while the first one stays', async () => {
  const { id } = server.add()
  const store = createJobStore(client(), id)
  const closed = reached(store, () => store.getSnapshot().connection === 'closed')
  await server.until(() => server.watchers(id) === 1)
  server.change(id, { status: 'cancelled' })
  const leaveFirst = await closed
  server.change(id, { status: 'queued', round: 2 })
  const leaveSecond = await reached(store, () => store.getSnapshot().job?.round === 2)
  leaveFirst()
  leaveSecond()
})

test('a job given as ended is believed by the first subscriber, and asked for by the next', async () => {
  const job = server.add({ status: 'error' })
  const store = createJobStore(client(), job)
  ;(await reached(store, () => store.getSnapshot().connection === 'closed'))()
  await Promise.resolve()
  expect(server.dials).toHaveLength(0)
  server.change(job.id, { status: 'pending', round: 2 })
  ;(await reached(store, () => store.getSnapshot().job?.round === 2))()
})

test('a listener that throws is reported, and the others are told all the same', async () => {
  const { id } = server.add({ progress: 20 })
  const reported = vi.spyOn(console, 'error').mockImplementation(() => {})
  const store = createJobStore(client(), id)
  const fault = new Error('A bug of the page')
  const leaveFaulty = store.subscribe(() => {
    throw fault
  })
  const leave = await reached(store, () => store.getSnapshot().progress === 20)
  expect(reported).toHaveBeenCalledWith(fault)
  leaveFaulty()
  leave()
  reported.mockRestore()
})

test('an error is shown, and the job last seen stays', async () => {
  const { id } = server.add()
  const store = createJobStore(client(), id)
  const leave = await reached(store, () => store.getSnapshot().job !== null)
  server.closeWith = 4401
  server.drop(id)
  await reached(store, () => store.getSnapshot().error !== null)
  expect(store.getSnapshot()).toMatchObject({ job: { id }, connection: 'closed', error: { status: 401 } })
  server.closeWith = null
  store.restart()
  await reached(store, () => store.getSnapshot().connection === 'live')
  expect(store.getSnapshot().error).toBeNull()
  leave()
})

test('without an id it is idle, and with a job it shows that at once', () => {
  const nothing = createJobStore(client(), null)
  nothing.subscribe(() => {})()
  nothing.restart()
  expect(nothing.getSnapshot().connection).toBe('idle')
  const job = server.add({ progress: 42 })
  expect(createJobStore(client(), job).getSnapshot()).toMatchObject({ job, progress: 42 })
  expect(server.dials).toHaveLength(0)
})

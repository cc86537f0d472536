import { afterEach, beforeEach, expect, test } from 'vitest'
import { createExports, type Timings, type Update } from '../../client/index.ts'
import { FakeServer, problem } from '../support/node/client/fake-server.ts'
import { quick } from '../support/node/client/samples.ts'

let server: FakeServer

beforeEach(async () => {
  server = await FakeServer.start()
})
afterEach(() => server.stop())

/** No socket is retried during a test, by default. */
const client = (timings: Partial<Timings> = {}) =>
  createExports({ baseUrl: server.url, timings: { ...quick, socketRetryMs: 60_000, ...timings } })

const polls = () => server.requests.filter(({ path }) => !path.endsWith('/events'))

test('where no socket opens it polls, and still tells every line once', async () => {
  const { id } = server.add({}, 3)
  server.refusals = Number.POSITIVE_INFINITY
  const updates: Update[] = []
  const states: string[] = []
  for await (const update of client().jobs.watch(id, { onState: ({ status }) => states.push(status) })) {
    updates.push(update)
    if (updates.length === 1) for (let n = 0; n < 20; n++) server.change(id, { progress: n })
    if (update.type === 'snapshot' && update.seq === 23) server.progress(id, 60)
    if (update.job?.progress === 60) server.change(id, { status: 'complete', progress: 100 })
  }
  expect(updates.flatMap((u) => (u.type === 'event' ? [u.event] : []))).toEqual(server.log(id).slice(3))
  expect(updates.at(-1)).toMatchObject({ type: 'snapshot', reset: false, job: { status: 'complete' } })
  expect(server.dials).toHaveLength(3)
  expect(states.filter((status, i) => status !== states[i - 1])).toEqual(['connecting', 'polling', 'closed'])
})

test('polls carry the ETag and are held by the server', async () => {
  const { id } = server.add()
  server.refusals = Number.POSITIVE_INFINITY
  const watch = client().jobs.watch(id)
  await server.until(() => polls().length >= 3)
  server.change(id, { status: 'cancelled' })
  await watch.done
  const [first, second, third] = polls()
  expect(first?.headers['if-none-match']).toBeUndefined()
  expect(first?.query.has('wait')).toBe(false)
  expect(second?.headers['if-none-match']).toBe('"1-0-null"')
  expect(third?.query.get('wait')).toBe('30')
})

test('no poll asks to be held for longer than the service holds one', async () => {
  const { id } = server.add()
  server.refusals = Number.POSITIVE_INFINITY
  const watch = client({
    pollWaitMs: Number.POSITIVE_INFINITY,
    socketRetryMs: Number.POSITIVE_INFINITY,
  }).jobs.watch(id)
  await server.until(() => polls().length >= 2)
  server.change(id, { status: 'cancelled' })
  await watch.done
  expect(polls()[1]?.query.get('wait')).toBe('60')
})

test('a server that does not hold polls is not hammered', async () => {
  const { id } = server.add()
  server.refusals = Number.POSITIVE_INFINITY
  server.holdMs = 0
  const startedAt = performance.now()
  const watch = client({ pollIntervalMs: 40 }).jobs.watch(id)
  await server.until(() => polls().length >= 5)
  expect(performance.now() - startedAt).toBeGreaterThan(4 * 39)
  server.change(id, { status: 'error' })
  expect((await watch.done).status).toBe('error')
})

test('it goes back to a socket when one can be had again, and resumes there', async () => {
  const { id } = server.add()
  server.refusals = 5
  const states: string[] = []
  const watch = client({ socketRetryMs: 30 }).jobs.watch(id, {
    onState: ({ status }) => states.push(status),
  })
  const seqs: number[] = []
  const read = (async () => {
    for await (const update of watch) if (update.type === 'event') seqs.push(update.seq)
  })()
  await server.until(() => polls().length >= 1)
  server.change(id, {})
  await server.until(() => server.watchers(id) === 1)
  server.change(id, { status: 'complete' })
  await read
  expect(seqs).toEqual([2, 3])
  expect(states).toContain('polling')
  expect(states.slice(-3)).toEqual(['resumed', 'live', 'closed'])
  expect(server.dials).toHaveLength(6)
})

test('a socket closed with 1000 before the end is looked into, then dialled again', async () => {
  const { id } = server.add()
  server.closeWith = 1000
  const watch = client().jobs.watch(id)
  await server.until(() => polls().length >= 1)
  server.closeWith = null
  await server.until(() => server.watchers(id) === 1)
  server.change(id, { status: 'complete' })
  expect((await watch.done).status).toBe('complete')
})

test('a broken or busy service is waited for; a refusal ends the watch', async () => {
  const { id } = server.add()
  server.refusals = Number.POSITIVE_INFINITY
  let troubles = 0
  server.intercept = (_, response) => {
    troubles++
    if (troubles === 1) response.destroy()
    else if (troubles === 2) problem(response, 503, 'unavailable', { 'retry-after': '1' })
    else if (troubles < 8) problem(response, 503, 'unavailable')
    else problem(response, 403, 'forbidden')
    return true
  }
  // Longer than the maximum wait for a single request.
  const impatient = client({ pollIntervalMs: 1, maxRetryAfterMs: 100 })
  const startedAt = performance.now()
  await expect(impatient.jobs.watch(id).done).rejects.toMatchObject({ status: 403 })
  expect(troubles).toBe(8)
  expect(performance.now() - startedAt).toBeGreaterThan(990)
})

test('lines that are no longer kept are told as a reset', async () => {
  const { id } = server.add({}, 10)
  server.cut(id, 6)
  server.refusals = Number.POSITIVE_INFINITY
  const updates: Update[] = []
  for await (const update of client().jobs.watch(id, { after: 2 })) {
    updates.push(update)
    if (update.type === 'snapshot') server.change(id, { status: 'complete' })
  }
  expect(updates.map((u) => [u.type, u.seq])).toEqual([
    ['event', 7],
    ['event', 8],
    ['event', 9],
    ['event', 10],
    ['snapshot', 10],
    ['event', 11],
    ['snapshot', 11],
  ])
  expect(updates[4]).toMatchObject({ reset: true })
  expect(updates[6]).toMatchObject({ reset: false })
})

test('aborting ends a held poll at once', async () => {
  const { id } = server.add()
  server.refusals = Number.POSITIVE_INFINITY
  server.holdMs = 60_000
  const controller = new AbortController()
  const watch = client().jobs.watch(id, { signal: controller.signal })
  await server.until(() => polls().length >= 2)
  controller.abort()
  await expect(watch.done).rejects.toMatchObject({ name: 'AbortError' })
  server.change(id, {})
})

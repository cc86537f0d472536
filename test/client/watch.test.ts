import { afterEach, beforeEach, expect, test } from 'vitest'
import { createExports, ExportalError, type Job, type Timings, type Update } from '../../client/index.ts'
import { FakeServer } from '../support/node/client/fake-server.ts'
import { collect, quick } from '../support/node/client/samples.ts'

let server: FakeServer

beforeEach(async () => {
  server = await FakeServer.start()
})
afterEach(() => server.stop())

const client = (timings: Partial<Timings> = {}, token?: string) =>
  createExports({ baseUrl: server.url, token, timings: { ...quick, ...timings } })

const finished: Partial<Job> = { status: 'complete', progress: 100, output_url: '/file' }

const seqs = (updates: Update[]) => updates.flatMap((u) => (u.type === 'event' ? [u.seq] : []))

test('snapshot, progress and events arrive in order, and the watch ends with the job', async () => {
  const { id } = server.add()
  const updates: Update[] = []
  const states: string[] = []
  for await (const update of client().jobs.watch(id, { onState: ({ status }) => states.push(status) })) {
    updates.push(update)
    if (update.type === 'snapshot') server.progress(id, 40)
    if (update.type === 'progress') server.change(id, finished, 'completed')
  }
  expect(updates.map((u) => u.type)).toEqual(['snapshot', 'progress', 'event'])
  expect(updates[1]).toMatchObject({ progress: 40, stage: 'rendering', job: { progress: 40 } })
  expect(updates[2]).toMatchObject({ event: { type: 'completed' }, job: { status: 'complete' } })
  expect(states).toEqual(['connecting', 'live', 'closed'])
  await server.until(() => server.watchers(id) === 0)
  expect(server.dials).toHaveLength(1)
})

test('callbacks alone are enough, and done carries the ended job', async () => {
  const { id } = server.add()
  const heard: string[] = []
  const watch = client().jobs.watch(id, {
    onSnapshot: (job, { seq, reset }) => {
      heard.push(`snapshot ${job.id} ${seq} ${reset}`)
      server.progress(id, 10)
      server.change(id, { stage: 'storing', progress: 10 }, 'stage')
      server.change(id, finished, 'completed')
    },
    onEvent: (event, job) => heard.push(`event ${event.seq} ${job?.status}`),
    onProgress: (percent, job) => heard.push(`progress ${percent} ${job.stage}`),
  })
  expect(await watch.done).toMatchObject({ status: 'complete', output_url: '/file' })
  expect(heard).toEqual([
    'snapshot job-1 1 false',
    'progress 0 null',
    'progress 10 rendering',
    'event 2 processing',
    'progress 10 storing',
    'event 3 complete',
    'progress 100 storing',
  ])
})

test('the token is offered as a subprotocol, in no address, and is asked for at every dial', async () => {
  const { id } = server.add()
  let issued = 0
  const exportal = createExports({ baseUrl: server.url, token: async () => `t${++issued}`, timings: quick })
  const watch = exportal.jobs.watch(id)
  await server.until(() => server.watchers(id) === 1)
  server.drop(id)
  await server.until(() => server.watchers(id) === 1)
  server.change(id, finished)
  await watch.done
  expect(server.tokensOfDials).toEqual(['t1', 't2'])
  expect(server.dials.filter(({ href }) => /t[12]/.test(href))).toEqual([])
})

test('after a drop it resumes where it was: the gap is replayed, nothing comes twice', async () => {
  const { id } = server.add()
  const states: string[] = []
  const updates: Update[] = []
  const watch = client().jobs.watch(id, { onState: ({ status, seq }) => states.push(`${status} ${seq}`) })
  for await (const update of watch) {
    updates.push(update)
    if (updates.length === 1) {
      server.change(id, {})
      server.drop(id)
      server.change(id, {})
      server.change(id, {})
    }
    if (update.type === 'snapshot' && update.seq === 4) server.change(id, finished)
  }
  expect(seqs(updates)).toEqual([2, 3, 4, 5])
  expect(states).toEqual([
    'connecting null',
    'live 1',
    expect.stringMatching(/^reconnecting [12]$/),
    'resumed 4',
    'live 5',
    'closed 5',
  ])
  expect(Number(server.dials[1]?.searchParams.get('after'))).toBeLessThanOrEqual(2)
})

test('a server that dropped the line for a clean restart is dialled again', async () => {
  const { id } = server.add()
  server.closeWith = 1012
  const watch = client().jobs.watch(id)
  await server.until(() => server.dials.length === 2)
  server.closeWith = null
  await server.until(() => server.watchers(id) === 1)
  server.change(id, finished)
  expect((await watch.done).status).toBe('complete')
})

test('a job that ended meanwhile is told by the next snapshot, and then it is never dialled again', async () => {
  const { id } = server.add()
  const watch = client().jobs.watch(id)
  await server.until(() => server.watchers(id) === 1)
  server.drop(id)
  server.change(id, finished)
  expect((await watch.done).status).toBe('complete')
  await server.until(() => server.dials.length === 2)
  expect(watch.state).toMatchObject({ status: 'closed', seq: 2 })
})

test('all lines of the commit that ends a job are told when the line breaks among them, without another dial', async () => {
  const { id } = server.add()
  const updates: Update[] = []
  const watch = client().jobs.watch(id)
  for await (const update of watch) {
    updates.push(update)
    if (update.type === 'snapshot' && update.seq === 1) {
      server.end(id, finished, 3, (sent) => {
        // Closes gracefully, so that earlier messages do arrive.
        if (sent === 0) server.hangUp(id, 1012)
      })
    }
  }
  expect(seqs(updates)).toEqual([2, 3, 4])
  expect((await watch.done).status).toBe('complete')
  expect(server.dials).toHaveLength(1)
})

test('a job known to have ended is not dialled at all', async () => {
  const job = server.add({ status: 'cancelled' })
  const updates = await collect(client().jobs.watch(job))
  expect(updates).toEqual([{ type: 'snapshot', seq: 0, job, reset: false }])
  expect([server.dials.length, server.requests.length]).toEqual([0, 0])
})

test('its log can still be asked for, without a socket', async () => {
  const job = server.add({ status: 'complete' }, 20)
  const updates = await collect(client().jobs.watch(job, { after: 5 }))
  expect(seqs(updates)).toEqual(Array.from({ length: 15 }, (_, i) => i + 6))
  expect(server.dials).toHaveLength(0)
})

test('an archived job is one snapshot', async () => {
  const { id } = server.add({ status: 'complete', archived: true }, 0)
  const updates = await collect(client().jobs.watch(id))
  expect(updates).toMatchObject([{ type: 'snapshot', job: { archived: true } }])
  expect(server.dials).toHaveLength(1)
})

test('a reset snapshot says that lines were missed, and the watch goes on from it', async () => {
  const { id } = server.add({}, 10)
  server.cut(id, 8)
  const updates: Update[] = []
  for await (const update of client().jobs.watch(id, { after: 3 })) {
    updates.push(update)
    if (update.type === 'snapshot') server.change(id, finished)
  }
  expect(updates).toMatchObject([
    { type: 'snapshot', seq: 10, reset: true },
    { type: 'event', seq: 11 },
  ])
})

test('duplicates, late progress and messages from the future do no harm', async () => {
  const { id } = server.add()
  const updates: Update[] = []
  for await (const update of client().jobs.watch(id)) {
    updates.push(update)
    if (update.type !== 'snapshot') continue
    const event = server.change(id, { progress: 50 })
    server.send(id, { type: 'event', seq: event.seq, event, job: server.add({ id: 'other', progress: 1 }) })
    server.send(id, { type: 'progress', seq: 1, progress: 90, stage: null, eta_seconds: null })
    server.progress(id, 30)
    server.send(id, { type: 'weather', seq: 2 })
    server.send(id, { type: 'snapshot', seq: 1, job: update.job })
    server.progress(id, 60)
    server.change(id, finished)
  }
  expect(updates.map((u) => [u.type, u.seq, u.job?.progress])).toEqual([
    ['snapshot', 1, 0],
    ['event', 2, 50],
    ['progress', 2, 60],
    ['event', 3, 100],
  ])
})

test('a line missing in the live stream is asked for again', async () => {
  const { id } = server.add()
  const updates: Update[] = []
  for await (const update of client().jobs.watch(id)) {
    updates.push(update)
    if (updates.length === 1) {
      server.changeSilently(id, {})
      server.change(id, {})
    }
    if (update.type === 'snapshot' && update.seq === 3) server.change(id, finished)
  }
  expect(seqs(updates)).toEqual([2, 3, 4])
  expect(updates.some((u) => u.type === 'snapshot' && u.reset)).toBe(false)
})

test('a half-open socket is noticed by its silence, and redialled', async () => {
  const { id } = server.add()
  const watch = client({ pingIntervalMs: 10, pongTimeoutMs: 200, connectTimeoutMs: 200 }).jobs.watch(id)
  await server.until(() => server.pings >= 2)
  expect(server.dials).toHaveLength(1)
  server.mute = true
  server.change(id, {})
  await server.until(() => server.dials.length >= 2)
  server.mute = false
  await server.until(() => server.watchers(id) > 0)
  server.change(id, finished)
  expect((await watch.done).status).toBe('complete')
})

test.each([
  [4401, 401, 'unauthorized'],
  [4403, 403, 'forbidden'],
  [4404, 404, 'job_not_found'],
])('close code %i ends the watch with its error', async (closeWith, status, code) => {
  const { id } = server.add()
  server.closeWith = closeWith
  const states: unknown[] = []
  const watch = client().jobs.watch(id, { onState: (state) => states.push(state) })
  const error = await collect(watch).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(ExportalError)
  expect(error).toMatchObject({ status, code, detail: 'as told' })
  expect(states.at(-1)).toMatchObject({ status: 'closed', error })
  await expect(watch.done).rejects.toBe(error)
  expect(server.dials).toHaveLength(1)
})

test('leaving the loop, closing and aborting all end it, and hang up', async () => {
  const { id } = server.add()
  for await (const _ of client().jobs.watch(id)) break
  await server.until(() => server.watchers(id) === 0)

  const closed = client().jobs.watch(id)
  const read = collect(closed)
  await server.until(() => server.watchers(id) === 1)
  closed.close()
  await read
  await server.until(() => server.watchers(id) === 0)
  await expect(closed.done).rejects.toMatchObject({ name: 'AbortError' })

  const controller = new AbortController()
  const aborted = client().jobs.watch(id, { signal: controller.signal })
  const failing = collect(aborted)
  await server.until(() => server.watchers(id) === 1)
  controller.abort(new Error('enough'))
  await expect(failing).rejects.toThrow('enough')
  await server.until(() => server.watchers(id) === 0)
  await expect(client().jobs.watch(id, { signal: AbortSignal.abort() }).done).rejects.toMatchObject({
    name: 'AbortError',
  })
  expect(server.dials).toHaveLength(3)
})

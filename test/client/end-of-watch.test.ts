/** The last message about a job determines its end; nothing waits for what the transport does afterwards. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createExports, type Job, type Timings, type Update } from '../../client/index.ts'
import { FakeServer } from '../support/node/client/fake-server.ts'
import { quick } from '../support/node/client/samples.ts'

let server: FakeServer

beforeEach(async () => {
  server = await FakeServer.start()
  server.keepsOpen = true
})
afterEach(() => server.stop())

const HOUR_MS = 3_600_000
/** Without timeouts that could end these tests. */
const patient: Partial<Timings> = { ...quick, pingIntervalMs: HOUR_MS, pongTimeoutMs: HOUR_MS }
const client = () => createExports({ baseUrl: server.url, timings: patient })

const finished: Partial<Job> = { status: 'complete', progress: 100, output_url: '/file' }
const seqs = (updates: Update[]) => updates.flatMap((update) => (update.type === 'event' ? [update.seq] : []))

test('a watch ends with the last message, and hangs up by itself', async () => {
  const { id } = server.add()
  const watch = client().jobs.watch(id)
  await server.until(() => server.watchers(id) === 1)
  server.change(id, finished)
  expect(await watch.done).toMatchObject({ status: 'complete', output_url: '/file' })
  await server.until(() => server.watchers(id) === 0)
  expect([server.dials.length, server.requests.length]).toEqual([1, 0])
})

test('so does one whose job ends with several lines, after the last of them', async () => {
  const { id } = server.add()
  const updates: Update[] = []
  for await (const update of client().jobs.watch(id)) {
    updates.push(update)
    if (update.type === 'snapshot') server.end(id, finished, 3)
  }
  expect(seqs(updates)).toEqual([2, 3, 4])
  expect(server.requests).toHaveLength(0)
})

test('the snapshot of an ended job is its last message', async () => {
  const { id } = server.add(finished)
  expect((await client().jobs.watch(id).done).status).toBe('complete')
  expect(server.dials).toHaveLength(1)
})

test.each([1, 3])(
  'an older service marks no end: after %i line(s) the log is asked for what may be missing',
  async (lines) => {
    server.marksEnd = false
    const { id } = server.add()
    const updates: Update[] = []
    const watch = client().jobs.watch(id)
    for await (const update of watch) {
      updates.push(update)
      if (update.type === 'snapshot' && update.seq === 1) server.end(id, finished, lines)
    }
    expect(seqs(updates)).toEqual(Array.from({ length: lines }, (_, i) => i + 2))
    expect((await watch.done).status).toBe('complete')
    await server.until(() => server.watchers(id) === 0)
    expect(server.dials).toHaveLength(1)
  },
)

test('an older service that closes is believed to have said all', async () => {
  server.marksEnd = false
  server.keepsOpen = false
  const { id } = server.add()
  const watch = client().jobs.watch(id)
  await server.until(() => server.watchers(id) === 1)
  server.end(id, finished, 3)
  expect((await watch.done).status).toBe('complete')
  expect([watch.state.seq, server.dials.length, server.requests.length]).toEqual([4, 1, 0])
})

test('the last lines of a cut line come even where the log cannot be read at first', async () => {
  const { id } = server.add()
  let broken = 6
  server.intercept = (_, response) => {
    if (broken-- <= 0) return false
    response.destroy()
    return true
  }
  const updates: Update[] = []
  for await (const update of client().jobs.watch(id)) {
    updates.push(update)
    if (update.type === 'snapshot' && update.seq === 1) {
      server.end(id, finished, 3, (sent) => {
        if (sent === 0) server.hangUp(id, 1012)
      })
    }
  }
  expect(seqs(updates)).toEqual([2, 3, 4])
})

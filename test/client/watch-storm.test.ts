/** All faults of a connection, at random and combined: the watcher still ends with exactly the log. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createExports, type Update } from '../../client/index.ts'
import { Chance } from '../support/chance.ts'
import { FakeServer } from '../support/node/client/fake-server.ts'
import { quick } from '../support/node/client/samples.ts'

let server: FakeServer

beforeEach(async () => {
  server = await FakeServer.start()
})
afterEach(() => server.stop())

test.each([1, 2, 3, 4])(
  '300 events through a line that keeps breaking (seed %i): exactly the log',
  async (seed) => {
    const chance = new Chance(seed)
    const { id } = server.add({}, 0)
    const updates: Update[] = []
    const timings = { pingIntervalMs: 15, pongTimeoutMs: 15, connectTimeoutMs: 30 }
    const watch = createExports({ baseUrl: server.url, timings: { ...quick, ...timings } }).jobs.watch(id, {
      after: 0,
    })
    const read = (async () => {
      for await (const update of watch) updates.push(update)
    })()
    while (server.log(id).length < 297) {
      const event = server.change(id, { progress: Math.floor(server.log(id).length / 3) })
      if (chance.happens(0.2)) server.send(id, { type: 'event', seq: event.seq, event, job: {} })
      if (chance.happens(0.3)) server.progress(id, Math.floor(chance.next() * 100))
      if (chance.happens(0.05)) server.dropInReplay = 1
      if (!chance.happens(0.2)) continue
      const { length: dials } = server.dials
      const { length: requests } = server.requests
      if (chance.happens(0.2)) server.refusals = 1 + Math.floor(chance.next() * 4)
      server.mute = chance.happens(0.2)
      if (server.mute)
        await server.until(() => server.dials.length > dials || server.requests.length > requests)
      else server.drop(id)
      server.mute = false
      // Mostly until the watcher has reconnected, sometimes only until it tries: then the log grows in its absence.
      if (chance.happens(0.7)) await server.until(() => server.watchers(id) > 0)
      else await server.until(() => server.dials.length > dials || server.requests.length > requests)
    }
    server.end(id, { status: 'complete', progress: 100 }, 3)
    await read
    expect(updates.flatMap((u) => (u.type === 'event' ? [u.event] : []))).toEqual(server.log(id))
    expect(server.dials.length).toBeGreaterThan(30)
    expect(server.requests.some(({ path }) => path.endsWith('/events'))).toBe(true)
    const bar = updates.flatMap((u) => (u.job ? [u.job.progress] : []))
    expect(bar).toEqual(bar.toSorted((a, b) => a - b))
    expect(updates.some((u) => u.type === 'snapshot' && u.reset)).toBe(false)
  },
)

/** Who ends a watch, and when: its caller, also from within a callback, and the service by three codes alone. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createExports, type WatchOptions } from '../../client/index.ts'
import { FakeServer } from '../support/node/client/fake-server.ts'
import { quick } from '../support/node/client/samples.ts'

let server: FakeServer
beforeEach(async () => {
  server = await FakeServer.start()
})
afterEach(() => server.stop())

const watch = (id: string, options: WatchOptions) =>
  createExports({ baseUrl: server.url, timings: quick }).jobs.watch(id, options)

/** Watches with all callbacks, and aborts in the first one that tells `last`. */
async function toldUntil(last: string): Promise<{ told: string[]; seq: number | null }> {
  const stop = new AbortController()
  const told: string[] = []
  const tell = (what: string) => {
    told.push(what)
    if (what === last) stop.abort(new Error('enough'))
  }
  const watching = watch('a', {
    after: 1,
    signal: stop.signal,
    onEvent: ({ seq }) => tell(`event ${seq}`),
    onSnapshot: () => tell('snapshot'),
    onProgress: (percent) => tell(`${percent} %`),
    onState: ({ status }) => tell(status),
  })
  await expect(watching.done).rejects.toThrow('enough')
  return { told, seq: watching.state.seq }
}

test.each([
  ['over a socket', 0],
  ['over polls', Number.POSITIVE_INFINITY],
])('nothing is told %s after a callback closed the watch, nor counted as received', async (_, refusals) => {
  server.add({ id: 'a', progress: 7 }, 5)
  server.refusals = refusals
  const { told, seq } = await toldUntil('event 3')
  expect(told.slice(-3)).toEqual(['event 2', 'event 3', 'closed'])
  // Who goes on after this number later misses no line.
  expect(seq).toBe(3)
  const rest = await toldUntil('snapshot')
  expect(rest.told.slice(-2)).toEqual(['snapshot', 'closed'])
  expect(rest.seq).toBe(5)
})

test.each([4000, 4408, 4429, 4500, 4503, 4999])(
  'a close with %i, which is none of a refusal, ends no watch',
  async (code) => {
    server.add({ id: 'a' })
    server.closeWith = code
    const { done } = watch('a', {})
    await server.until(() => server.dials.length === 2)
    server.closeWith = null
    server.change('a', { status: 'complete' })
    expect((await done).status).toBe('complete')
  },
)

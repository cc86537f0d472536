/// <reference path="../../client/react-shim.d.ts" />
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createExports, type TokenSource } from '../../client/index.ts'
import { useExportJob } from '../../client/react.ts'
import { FakeServer } from '../support/node/client/fake-server.ts'
import { quick } from '../support/node/client/samples.ts'

/**
 * The two hooks as one component in StrictMode uses them: rendered twice, memos by position and computed twice, a
 * subscription on mount that is made, cancelled and made again.
 */
const react = vi.hoisted(() => {
  let place = 0
  const memos: { deps: readonly unknown[]; value: unknown }[] = []
  const mounted = { unsubscribe: () => {}, store: null as unknown, changed: () => {} }
  return {
    mounted,
    unmount: () => {
      mounted.unsubscribe()
      Object.assign(mounted, { unsubscribe: () => {}, store: null, changed: () => {} })
      memos.length = 0
    },
    render: <T>(component: () => T): T => {
      place = 0
      component()
      place = 0
      return component()
    },
    useMemo: <T>(factory: () => T, deps: readonly unknown[]): T => {
      const known = memos[place]
      const same = known?.deps.every((dep, i) => Object.is(dep, deps[i]))
      if (!same) factory()
      const value = same ? (known?.value as T) : factory()
      memos[place++] = { deps, value }
      return value
    },
    useSyncExternalStore: <T>(subscribe: (listener: () => void) => () => void, getSnapshot: () => T): T => {
      if (mounted.store !== subscribe) {
        mounted.unsubscribe()
        mounted.store = subscribe
        subscribe(() => {})()
        mounted.unsubscribe = subscribe(() => mounted.changed())
      }
      return getSnapshot()
    },
  }
})
vi.mock('react', () => react)

let server: FakeServer

beforeEach(async () => {
  server = await FakeServer.start()
})
afterEach(async () => {
  react.unmount()
  await server.stop()
})

/** Renders with a new client each time, and again on every change, until the view is as wanted. */
function inlineClient(token: () => TokenSource | undefined) {
  const view = () =>
    react.render(() =>
      useExportJob('one', { client: createExports({ baseUrl: server.url, token: token(), timings: quick }) }),
    )
  const until = (wanted: (shown: ReturnType<typeof view>) => boolean) =>
    new Promise<ReturnType<typeof view>>((resolve) => {
      const look = () => {
        const shown = view()
        if (wanted(shown)) resolve(shown)
      }
      // React renders after the change of the store, not within it.
      react.mounted.changed = () => setImmediate(look)
      look()
    })
  return { view, until }
}

test.each([
  ['no token', () => undefined],
  ['a text as its token', () => 'secret'],
  ['a token function that stays', () => staying],
])('a client made inside the component, with %s, is one client: its watch goes on', async (_, token) => {
  server.add({ id: 'one', progress: 7 })
  const { until } = inlineClient(token)
  await until(({ progress, connection }) => progress === 7 && connection === 'live')
  server.progress('one', 30)
  await until(({ progress }) => progress === 30)
  expect(server.dials).toHaveLength(1)
})

const staying = () => 'secret'

test('another token is another watch, which shows nothing of what the one before might see', async () => {
  server.add({ id: 'one', progress: 7 })
  let token = 'hers'
  const { view, until } = inlineClient(() => token)
  await until(({ progress }) => progress === 7)
  token = 'his'
  expect(view().job).toBeNull()
  await until(({ progress }) => progress === 7)
  await server.until(() => server.watchers('one') === 1)
  expect(server.tokensOfDials).toEqual(['hers', 'his'])
})

test('a token function made by every render never gets to watch, and the error says why', async () => {
  server.add({ id: 'one' })
  const { until } = inlineClient(() => () => 'secret')
  const { error, connection } = await until((shown) => shown.error !== null)
  expect(error).toMatchObject({ message: expect.stringContaining('Make the client once') })
  expect(connection).toBe('closed')
})

test('the hook follows the job, moves to another id, and hangs up when unmounted', async () => {
  server.add({ id: 'one' })
  server.add({ id: 'two', progress: 7 })
  const client = createExports({ baseUrl: server.url, timings: quick })
  const view = (id: string | null) => react.render(() => useExportJob(id, { client }))
  const shows = (id: string, percent: number) =>
    new Promise<void>((resolve) => {
      react.mounted.changed = () => {
        if (view(id).progress === percent && view(id).job?.id === id) resolve()
      }
    })

  expect(view(null)).toMatchObject({ job: null, connection: 'idle' })
  expect(view('one')).toBe(view('one'))
  await server.until(() => server.watchers('one') === 1)
  server.progress('one', 30)
  await shows('one', 30)
  expect(view('one').connection).toBe('live')

  expect(view('two')).toMatchObject({ job: null })
  await shows('two', 7)
  await server.until(() => server.watchers('one') === 0)
  react.unmount()
  await server.until(() => server.watchers('two') === 0)
  expect(server.dials).toHaveLength(2)
})

/// <reference path="../../client/react-shim.d.ts" />
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createExports } from '../../client/index.ts'
import { useExportJob } from '../../client/react.ts'
import { FakeServer } from './fake-server.ts'
import { quick } from './samples.ts'

/** The two hooks as one component sees them: memos by their place, a subscription while mounted. */
const react = vi.hoisted(() => {
  let place = 0
  const memos: { deps: readonly unknown[]; value: unknown }[] = []
  const mounted = { unsubscribe: () => {}, store: null as unknown, changed: () => {} }
  return {
    mounted,
    render: <T>(component: () => T): T => {
      place = 0
      return component()
    },
    useMemo: <T>(factory: () => T, deps: readonly unknown[]): T => {
      const known = memos[place]
      const same = known?.deps.every((dep, i) => Object.is(dep, deps[i]))
      const value = same ? (known?.value as T) : factory()
      memos[place++] = { deps, value }
      return value
    },
    useSyncExternalStore: <T>(subscribe: (listener: () => void) => () => void, getSnapshot: () => T): T => {
      if (mounted.store !== subscribe) {
        mounted.unsubscribe()
        mounted.store = subscribe
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
afterEach(() => server.stop())

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
  react.mounted.unsubscribe()
  await server.until(() => server.watchers('two') === 0)
  expect(server.dials).toHaveLength(2)
})

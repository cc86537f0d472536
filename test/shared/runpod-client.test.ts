import { afterEach, expect, test, vi } from 'vitest'
import { cancel, health, run, status } from '../../actors/runpod/client.ts'
import project from '../../package.json' with { type: 'json' }

afterEach(() => vi.unstubAllGlobals())

test('Every request to RunPod names the service and its version', async () => {
  const agents: (string | null)[] = []
  vi.stubGlobal('fetch', async (_url: string, init: RequestInit) => {
    agents.push(new Headers(init.headers).get('User-Agent'))
    return new Response('{}', { status: 500 })
  })
  const settings = { endpoint: 'https://gpus.test/v2/ep', apiKey: 'key' }
  await run(settings, {})
  await status(settings, 'a-job')
  await cancel(settings, 'a-job')
  await health(settings, 0)
  // After a refused cancel, the status is requested as well.
  expect(agents).toEqual(Array(5).fill(`Exportal/${project.version}`))
})

test.each([
  [200, 'gone', 'missing'],
  [401, null, 'unconfirmed'],
  [404, null, 'unconfirmed'],
  [500, null, 'unconfirmed'],
])('A 404 counts only where the endpoint answers the key: /health %i', async (code, state, cancelled) => {
  vi.stubGlobal(
    'fetch',
    async (url: string) => new Response('{}', { status: url.endsWith('/health') ? code : 404 }),
  )
  const settings = { endpoint: 'https://gpus.test/v2/ep', apiKey: 'key' }
  const seen = await status(settings, 'a-job')
  expect(seen.kind === 'observed' ? seen.observation.state : null).toBe(state)
  expect((await cancel(settings, 'a-job')).kind).toBe(cancelled)
})

test.each([
  [{ idle: 0, running: 2, unhealthy: 3 }, 3],
  [{ idle: 0, running: 2 }, 0],
])('Health counts workers that are unhealthy: %j', async (workers, unhealthy) => {
  vi.stubGlobal('fetch', async () => Response.json({ jobs: { inQueue: 1 }, workers }))
  expect(await health({ endpoint: 'https://gpus.test/v2/ep', apiKey: 'key' }, 5)).toEqual({
    seenAt: 5,
    inQueue: 1,
    idle: 0,
    running: 2,
    throttled: 0,
    initializing: 0,
    unhealthy,
  })
})

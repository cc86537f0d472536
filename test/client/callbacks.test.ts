/** A caller's functions may fail in any way: this neither ends a watch nor affects other readers. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  createExports,
  ExportalConnectionError,
  type FetchLike,
  type Update,
  type WebSocketLike,
} from '../../client/index.ts'
import { FakeServer, json } from '../support/node/client/fake-server.ts'
import { quick } from '../support/node/client/samples.ts'

let server: FakeServer

beforeEach(async () => {
  server = await FakeServer.start()
})
afterEach(async () => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
  await server.stop()
})

/** Answers as the service does to an upload in one PUT. */
const planned: FakeServer['intercept'] = ({ method }, response) => {
  const plan = {
    upload_url: '/api/videos/upload/input/1/clip.mp4?sig=x',
    video_key: 'input/1/clip.mp4',
    method: 'PUT',
    headers: {},
    expires_at: new Date(Date.now() + 60_000).toISOString(),
    size_bytes: 5,
  }
  json(response, 200, method === 'PUT' ? {} : plan)
  return true
}

describe('a callback that fails', () => {
  const fault = new Error('A bug of the page')
  const failing = {
    'by throwing': () => {
      throw fault
    },
    'by rejecting': () => Promise.reject(fault),
  }

  test.each(Object.entries(failing))(
    '%s is reported, and every update still reaches the loop',
    async (_, fail) => {
      const reported = vi.spyOn(console, 'error').mockImplementation(() => {})
      const { id } = server.add()
      const callbacks = { onSnapshot: fail, onEvent: fail, onProgress: fail, onState: fail }
      const updates: Update[] = []
      const watch = createExports({ baseUrl: server.url, timings: quick }).jobs.watch(id, callbacks)
      for await (const update of watch) {
        updates.push(update)
        if (update.type === 'snapshot') server.progress(id, 40)
        if (update.type === 'progress') server.change(id, { status: 'complete', progress: 100 })
      }
      expect(updates.map(({ type }) => type)).toEqual(['snapshot', 'progress', 'event'])
      expect((await watch.done).status).toBe('complete')
      expect(reported.mock.calls.length).toBeGreaterThanOrEqual(6)
      expect(new Set(reported.mock.calls.flat())).toEqual(new Set([fault]))
    },
  )

  test.each(Object.entries(failing))('%s does not fail an upload', async (_, fail) => {
    const reported = vi.spyOn(console, 'error').mockImplementation(() => {})
    server.intercept = planned
    const exportal = createExports({ baseUrl: server.url, timings: quick })
    const uploaded = await exportal.uploadVideo(new Blob(['video']), { onPlan: fail, onProgress: fail })
    expect(uploaded.video_key).toBe('input/1/clip.mp4')
    expect(server.requests.map(({ method }) => method)).toEqual(['POST', 'PUT'])
    expect(new Set(reported.mock.calls.flat())).toEqual(new Set([fault]))
  })

  test('is reported as an uncaught error where the platform has a way to', async () => {
    const reportError = vi.fn()
    vi.stubGlobal('reportError', reportError)
    const { id } = server.add({ status: 'complete' })
    const onSnapshot = failing['by throwing']
    await createExports({ baseUrl: server.url, timings: quick }).jobs.watch(id, { onSnapshot }).done
    expect(reportError).toHaveBeenCalledExactlyOnceWith(fault)
  })
})

describe('a fetch of the caller', () => {
  const get = (fetch: FetchLike, timings = {}) =>
    createExports({ baseUrl: server.url, fetch, timings: { ...quick, ...timings } }).jobs.get('job-1')

  test('that throws at once is tried again', async () => {
    server.add()
    let tried = 0
    const job = await get((url, init) => {
      if (++tried < 3) throw new Error('No network here')
      return fetch(url, init)
    })
    expect(job.id).toBe('job-1')
  })

  test('that never answers and heeds no signal is given up in time', async () => {
    const given = get(() => new Promise(() => {}), { requestTimeoutMs: 5 })
    await expect(given).rejects.toMatchObject({
      name: 'ExportalConnectionError',
      cause: { message: 'Timed out' },
    })
  })

  test('that never stores a file and heeds no signal is given up in time', async () => {
    server.intercept = planned
    let puts = 0
    const exportal = createExports({
      baseUrl: server.url,
      timings: { ...quick, uploadStallMs: 5 },
      fetch: (url, init) => {
        if (init?.method !== 'PUT') return fetch(url, init)
        puts++
        return new Promise(() => {})
      },
    })
    await expect(exportal.uploadVideo(new Blob(['video']))).rejects.toBeInstanceOf(ExportalConnectionError)
    expect(puts).toBe(4)
  })

  test('is not asked for what can never be sent, and the error is its cause', async () => {
    const asked = vi.fn()
    const { jobs } = createExports({ baseUrl: server.url, fetch: asked, timings: quick })
    const input = { project_id: 1, type: 'overlay', input_video_key: 'input/1/clip.mp4' } as const
    await expect(jobs.create({ ...input, metadata: { n: 1n as unknown as number } })).rejects.toBeInstanceOf(
      TypeError,
    )
    await expect(jobs.create(input, { idempotencyKey: 'two\nlines' })).rejects.toBeInstanceOf(TypeError)
    expect(asked).not.toHaveBeenCalled()
  })
})

describe('a WebSocket of the caller', () => {
  const watched = (WebSocket: WebSocketLike) =>
    createExports({
      baseUrl: server.url,
      WebSocket,
      timings: { ...quick, pingIntervalMs: 5, pongTimeoutMs: 5 },
    }).jobs.watch('job-1')

  const unusable: Record<string, WebSocketLike> = {
    'that throws when it is made': class {
      constructor() {
        throw new DOMException('Forbidden by a content policy', 'SecurityError')
      }
    },
    'that throws nothing in particular': class {
      constructor() {
        throw undefined
      }
    },
    'that is no socket at all': class {},
    'that cannot even be closed': class extends EventTarget {
      constructor() {
        super()
        queueMicrotask(() => this.dispatchEvent(new Event('error')))
      }
      close() {
        throw new Error('Never')
      }
    },
  }

  test.each(Object.entries(unusable))('%s leaves the watch to its polls', async (_, WebSocket) => {
    const { id } = server.add()
    const watch = watched(WebSocket)
    await server.until(() => server.requests.length >= 2)
    server.change(id, { status: 'complete' })
    expect((await watch.done).status).toBe('complete')
  })

  test('that throws when it is to send is dialled anew', async () => {
    const { id } = server.add()
    const watch = watched(
      class extends WebSocket {
        override send() {
          throw new Error('Not open')
        }
      },
    )
    await server.until(() => server.dials.length >= 2)
    server.change(id, { status: 'complete' })
    expect((await watch.done).status).toBe('complete')
  })
})

test('a message that cannot be read is a lost line: it is dialled anew, and the watch goes on', async () => {
  const { id } = server.add()
  const watch = createExports({ baseUrl: server.url, timings: quick }).jobs.watch(id)
  await server.until(() => server.watchers(id) === 1)
  server.send(id, { type: 'event', seq: 2 })
  await server.until(() => server.dials.length === 2)
  await server.until(() => server.watchers(id) === 1)
  server.change(id, { status: 'complete' })
  expect((await watch.done).status).toBe('complete')
})

test('a line that always has a gap is not dialled in a hot loop', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(1)
  const { id } = server.add()
  const timings = { ...quick, minReconnectMs: 40, maxReconnectMs: 80 }
  const watch = createExports({ baseUrl: server.url, timings }).jobs.watch(id)
  const startedAt = performance.now()
  for (let dials = 1; dials <= 4; dials++) {
    await server.until(() => server.dials.length === dials && server.watchers(id) === 1)
    server.send(id, { type: 'event', seq: 9, event: { seq: 9 }, job: {} })
  }
  await server.until(() => server.dials.length === 5)
  // The first gap is filled at once.
  expect(performance.now() - startedAt).toBeGreaterThan(3 * 75)
  watch.close()
  await expect(watch.done).rejects.toMatchObject({ name: 'AbortError' })
})

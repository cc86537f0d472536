/** A token grants nothing after its expiry, not even by sockets, streams and waits that it opened before. */
import { evictDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import { ActorFeed } from '../../../src/watch/feed.ts'
import { eventually } from '../../support/eventually.ts'
import { HOUR, T0 } from '../../support/workerd/clock.ts'
import {
  api,
  apiWith,
  createJob,
  dispatchedJob,
  post,
  problemOf,
  textOf,
  useHttpWorld,
} from '../../support/workerd/http.ts'
import { bearer, tokenOf } from '../../support/workerd/tokens.ts'

const world = useHttpWorld()

const TTL_MS = 10_000
const STREAM = { Accept: 'text/event-stream' }

interface Told {
  type: string
  end?: boolean
  event?: { type: string }
}

async function watch(path: string) {
  const response = await api(path, { headers: { Upgrade: 'websocket' } })
  const socket = response.webSocket
  if (!socket) throw new Error(`The upgrade answered ${response.status}.`)
  const watcher = { socket, told: [] as Told[], pongs: 0, closed: null as number | null }
  socket.addEventListener('message', ({ data }) => {
    if (data === 'pong') watcher.pongs++
    else watcher.told.push(JSON.parse(String(data)))
  })
  socket.addEventListener('close', ({ code }) => {
    watcher.closed = code
  })
  socket.accept()
  await eventually(() => watcher.told.length > 0 || watcher.closed !== null)
  return watcher
}

/** A watcher with a token that is valid for ten seconds. */
async function briefWatch(id: string, query = '') {
  return watch(
    `/api/jobs/${id}/ws?token=${await tokenOf({ scopes: ['jobs:read'] }, undefined, TTL_MS)}${query}`,
  )
}

async function runningJob() {
  const { id, run } = await dispatchedJob(world.runs)
  const report = (progress: number, stage: string) =>
    post(`/api/jobs/${id}/do/progress`, { progress, stage }, bearer(run.input.callback_token))
  await report(1, 'downloading')
  return { id, report }
}

describe('A socket', () => {
  it('is told nothing after the end of its token, but closed with 4401', async () => {
    const { id, report } = await runningJob()
    const watcher = await briefWatch(id)
    vi.setSystemTime(T0 + TTL_MS - 1)
    await report(2, 'rendering')
    await eventually(() => watcher.told.length === 2)
    vi.setSystemTime(T0 + TTL_MS)
    await report(3, 'encoding')
    await eventually(() => watcher.closed !== null)
    expect(watcher.closed).toBe(4401)
    expect(watcher.told.map(({ event }) => event?.type)).toEqual([undefined, 'stage'])
  })

  it('is closed so also when its actor was evicted, and for progress alone', async () => {
    const { id, report } = await runningJob()
    const [evicted, other] = [await briefWatch(id), await watch(`/api/jobs/${id}/ws`)]
    await evictDurableObject(env.EXPORT_JOB.getByName(id))
    vi.setSystemTime(T0 + TTL_MS)
    await report(3, 'downloading')
    await eventually(() => evicted.closed !== null && other.told.length === 2)
    expect(evicted).toMatchObject({ closed: 4401, told: [{ type: 'snapshot' }] })
    expect(other).toMatchObject({ closed: null, told: [{ type: 'snapshot' }, { type: 'progress' }] })
  })

  it('is not even told of the end of the job', async () => {
    const { job_id: id } = await createJob()
    const watcher = await briefWatch(id)
    vi.setSystemTime(T0 + TTL_MS)
    await post(`/api/jobs/${id}/cancel`, {})
    await eventually(() => watcher.closed !== null)
    expect(watcher).toMatchObject({ closed: 4401, told: [{ type: 'snapshot' }] })
  })

  it('lives no longer for its pings, and is closed by any other frame', async () => {
    const { id } = await runningJob()
    const watcher = await briefWatch(id)
    vi.setSystemTime(T0 + TTL_MS + HOUR)
    watcher.socket.send('ping')
    await eventually(() => watcher.pongs === 1)
    watcher.socket.send('hello')
    await eventually(() => watcher.closed !== null)
    expect(watcher.closed).toBe(4401)
  })

  it.each(['until', 'expires_at'])('cannot put its end off by ?%s=', async (name) => {
    const { id, report } = await runningJob()
    const watcher = await briefWatch(id, `&${name}=${T0 + 100 * HOUR}`).catch(() => null)
    vi.setSystemTime(T0 + TTL_MS)
    await report(3, 'encoding')
    if (watcher) await eventually(() => watcher.closed !== null)
    expect(watcher?.closed ?? 4401).toBe(4401)
  })

  it('whose token dies on the way to the actor is turned away', async () => {
    const { job_id: id } = await createJob()
    const job = env.EXPORT_JOB.getByName(id)
    for (const until of [T0, T0 - 1, 'never']) {
      const init = { headers: { Upgrade: 'websocket' } }
      expect((await job.fetch(`https://job/ws?until=${until}`, init)).status).toBe(401)
    }
    const refused = actorsThatAnswer(401)
    const socket = (await apiWith(refused, `/api/jobs/${id}/ws`, { headers: { Upgrade: 'websocket' } }))
      .webSocket
    expect(await closeOf(accepted(socket))).toBe(4401)
    await problemOf(
      await apiWith(refused, `/api/jobs/${id}/events`, { headers: STREAM }),
      401,
      'token_expired',
    )
  })

  it('needs no token on the developer’s own computer, and has no end then', async () => {
    const { id, report } = await runningJob()
    const watcher = await watch(`/api/jobs/${id}/ws`)
    vi.setSystemTime(T0 + 10 * 60_000)
    await report(3, 'encoding')
    await eventually(() => watcher.told.length === 2)
    expect(watcher.closed).toBeNull()
  })
})

describe('A stream of events', () => {
  it('ends with its token, without end, and does not open again', async () => {
    const { id, report } = await runningJob()
    const path = `/api/jobs/${id}/events?token=${await tokenOf({}, undefined, TTL_MS)}`
    const stream = await api(path, { headers: STREAM })
    vi.setSystemTime(T0 + TTL_MS)
    await report(3, 'encoding')
    const text = await textOf(stream)
    expect(text).toContain('event: snapshot')
    expect(text).not.toMatch(/event: (event|end)/)
    vi.setSystemTime(T0 + TTL_MS + 6_000)
    await problemOf(await api(path, { headers: STREAM }), 401, 'token_expired')
  })

  it('ends so also when nothing happens', async () => {
    const { 0: mine, 1: theirs } = new WebSocketPair()
    theirs.accept()
    const feed = new ActorFeed(mine, new AbortController().signal, Date.now() + 5)
    expect(await feed.next()).toBeNull()
    expect(feed.end).toBe('expired')
    expect(await closeOf(theirs)).toBe(1000)
  })

  it('with a token of a year does not end at once', async () => {
    const { 0: mine, 1: theirs } = new WebSocketPair()
    theirs.accept()
    const feed = new ActorFeed(mine, new AbortController().signal, Date.now() + 365 * 24 * HOUR)
    const message = { type: 'progress', seq: 1, progress: 5 }
    theirs.send(JSON.stringify(message))
    expect(await feed.next()).toEqual(message)
    expect(feed.end).toBeNull()
    feed.close()
  })

  it('marks the last event, and the snapshot of a job that has ended', async () => {
    const { job_id: id } = await createJob()
    const stream = await api(`/api/jobs/${id}/events`, { headers: STREAM })
    await post(`/api/jobs/${id}/cancel`, {})
    const marks = (text: string) =>
      [...text.matchAll(/^data: (.+)$/gm)].map(([, data = '']): boolean => JSON.parse(data).end === true)
    expect(marks(await textOf(stream))).toEqual([false, false, true, false])
    expect(marks(await textOf(await api(`/api/jobs/${id}/events`, { headers: STREAM })))).toEqual([
      true,
      false,
    ])
  })
})

describe('A long poll', () => {
  it('waits no longer than its token lives', async () => {
    const { id } = await runningJob()
    const headers = bearer(await tokenOf({}, undefined, TTL_MS))
    const { headers: seen } = await api(`/api/jobs/${id}`, { headers })
    vi.setSystemTime(T0 + TTL_MS - 20)
    const known = { ...headers, 'If-None-Match': seen.get('ETag') ?? '' }
    expect((await api(`/api/jobs/${id}?wait=60`, { headers: known })).status).toBe(304)
  })
})

it('A job with as many watchers as it may have says so, in the way of each transport', async () => {
  const full = actorsThatAnswer(503)
  const { job_id: id } = await createJob()
  const { webSocket } = await apiWith(full, `/api/jobs/${id}/ws`, { headers: { Upgrade: 'websocket' } })
  expect(await closeOf(accepted(webSocket))).toBe(1013)
  const refused = await apiWith(full, `/api/jobs/${id}/events`, { headers: STREAM })
  expect(refused.headers.get('Retry-After')).toBe('30')
  await problemOf(refused, 503, 'too_many_watchers')
})

function accepted(socket: WebSocket | null): WebSocket {
  if (!socket) throw new Error('There is no socket.')
  socket.accept()
  return socket
}

async function closeOf(socket: WebSocket): Promise<number> {
  const code = new Promise<number>((resolve) => {
    socket.addEventListener('close', (event) => resolve(event.code))
  })
  return code
}

/** The bindings, with actors that refuse every upgrade. */
function actorsThatAnswer(status: number) {
  const fetch = async () => new Response(null, { status })
  const stub = (real: object) =>
    new Proxy(real, { get: (target, name) => (name === 'fetch' ? fetch : Reflect.get(target, name)) })
  const EXPORT_JOB = new Proxy(env.EXPORT_JOB, {
    get: (target, name) =>
      name === 'getByName' ? (id: string) => stub(target.getByName(id)) : Reflect.get(target, name),
  })
  return { EXPORT_JOB }
}

import { describe, expect, it, vi } from 'vitest'
import {
  type ActorHandle,
  aCreatedJob,
  aRunningJob,
  completed,
  FakeRunpod,
  pass,
  progress,
  SECOND,
  storeOutput,
  useFarFutureClock,
} from './support.ts'

useFarFutureClock()

interface Message {
  type: string
  seq: number
  progress?: number
  from?: number
  to?: number
  reset?: boolean
  events?: { seq: number; type: string }[]
  event?: { seq: number; type: string; data: Record<string, unknown> }
  job?: { status: string; progress: number; output_url: string | null }
}

/** A watcher that keeps all it was told. */
async function watch(job: ActorHandle, after?: number) {
  const query = after === undefined ? '' : `?after=${after}`
  const response = await job.stub.fetch(`https://x/ws${query}`, { headers: { Upgrade: 'websocket' } })
  const socket = response.webSocket
  if (!socket) throw new Error(`The upgrade answered ${response.status}.`)
  const messages: Message[] = []
  const watcher = {
    socket,
    messages,
    closed: null as number | null,
    pongs: 0,
    async until(count: number): Promise<Message[]> {
      await vi.waitUntil(() => messages.length >= count)
      return messages
    },
  }
  socket.addEventListener('message', ({ data }) => {
    if (data === 'pong') watcher.pongs++
    else messages.push(JSON.parse(String(data)))
  })
  socket.addEventListener('close', (event) => {
    watcher.closed = event.code
  })
  socket.accept()
  return watcher
}

describe('a watcher', () => {
  it('is shown the job first, then each event with its number, then closed with 1000', async () => {
    new FakeRunpod().install()
    const job = await aCreatedJob()
    const watcher = await watch(job)
    await job.ring()
    await job.report(progress(10))
    await storeOutput(job)
    await job.report(completed())
    await job.ring()
    await vi.waitUntil(() => watcher.closed !== null)
    expect(watcher.messages[0]).toMatchObject({ type: 'snapshot', seq: 1, job: { status: 'pending' } })
    const events = watcher.messages.filter((message) => message.type === 'event')
    expect(events.map((message) => [message.seq, message.event?.type])).toEqual([
      [2, 'attempt_started'],
      [3, 'queued'],
      [4, 'processing'],
      [5, 'verifying'],
      [6, 'complete'],
    ])
    expect(events.at(-1)?.job).toMatchObject({
      status: 'complete',
      progress: 100,
      output_url: expect.stringContaining('sig='),
    })
    expect(watcher.closed).toBe(1000)
  })

  it('is replayed what it missed, then shown where the job stands', async () => {
    new FakeRunpod().install()
    const job = await aRunningJob()
    const [replay, snapshot] = await (await watch(job, 2)).until(2)
    expect(replay).toMatchObject({ type: 'replay', from: 3, to: 4 })
    expect(replay?.events?.map((event) => event.seq)).toEqual([3, 4])
    expect(snapshot).toMatchObject({ type: 'snapshot', seq: 4 })
    expect(snapshot?.reset).toBeUndefined()
  })

  it('that missed nothing gets the snapshot alone', async () => {
    new FakeRunpod().install()
    const job = await aRunningJob()
    const messages = await (await watch(job, 4)).until(1)
    expect(messages).toHaveLength(1)
    expect(messages[0]).toMatchObject({ type: 'snapshot', seq: 4 })
  })

  it('with a number from the future, or none at all, is told that it was reset', async () => {
    new FakeRunpod().install()
    const job = await aRunningJob()
    for (const after of [99, -1, Number.NaN]) {
      const [snapshot] = await (await watch(job, after)).until(1)
      expect(snapshot).toMatchObject({ type: 'snapshot', seq: 4, reset: true })
    }
  })

  it('of an ended job gets one snapshot and is closed', async () => {
    new FakeRunpod().install()
    const job = await aCreatedJob()
    await job.stub.cancel('test')
    const watcher = await watch(job)
    await vi.waitUntil(() => watcher.closed !== null)
    expect(watcher.messages.map((message) => message.type)).toEqual(['snapshot'])
    expect(watcher.closed).toBe(1000)
  })

  it('goes on after the actor was evicted', async () => {
    new FakeRunpod().install()
    const job = await aRunningJob()
    const watcher = await watch(job)
    await watcher.until(1)
    await job.evict()
    pass(SECOND)
    await job.report(progress(50))
    const messages = await watcher.until(2)
    expect(messages[1]).toMatchObject({ type: 'progress', seq: 4, progress: 50 })
  })

  it('gets at most ten progress messages a second, and always the last', async () => {
    new FakeRunpod().install()
    const job = await aRunningJob()
    const watcher = await watch(job)
    await watcher.until(1)
    for (let percent = 11; percent <= 60; percent++) await job.report(progress(percent))
    await vi.waitUntil(() => watcher.messages.at(-1)?.progress === 60)
    const told = watcher.messages.filter((message) => message.type === 'progress')
    expect(told.length).toBeLessThan(10)
  })

  it('is answered ping with pong', async () => {
    new FakeRunpod().install()
    const job = await aRunningJob()
    const watcher = await watch(job)
    await watcher.until(1)
    watcher.socket.send('ping')
    await vi.waitUntil(() => watcher.pongs === 1)
    expect(watcher.closed).toBeNull()
  })

  it.each(['x'.repeat(1025), 'é'.repeat(513), new Uint8Array(1025)])(
    'may not send more than a kilobyte (%#)',
    async (message) => {
      new FakeRunpod().install()
      const job = await aRunningJob()
      const watcher = await watch(job)
      watcher.socket.send('x'.repeat(1024))
      watcher.socket.send('{"type":"ack"}')
      watcher.socket.send('ping')
      await vi.waitUntil(() => watcher.pongs === 1)
      expect(watcher.closed).toBeNull()
      watcher.socket.send(message)
      await vi.waitUntil(() => watcher.closed !== null)
      expect(watcher.closed).toBe(1009)
    },
  )
})

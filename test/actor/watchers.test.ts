import { runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { MAX_FRAMES, Watchers } from '../../actors/export-job/watchers.ts'
import type { EventJson } from '../../wire/events.ts'
import { eventually } from '../support/eventually.ts'
import {
  type ActorHandle,
  ANYONE,
  aCreatedJob,
  aRunningJob,
  completed,
  FakeRunpod,
  progress,
  storeOutput,
} from '../support/workerd/actors.ts'
import { MINUTE, pass, SECOND, useFarFutureClock } from '../support/workerd/clock.ts'

useFarFutureClock()

interface Message {
  type: string
  seq: number
  progress?: number
  from?: number
  to?: number
  reset?: boolean
  end?: boolean
  events?: { seq: number; type: string }[]
  event?: { seq: number; type: string; data: Record<string, unknown> }
  job?: { status: string; progress: number; output_url: string | null }
}

const aLine: EventJson<'deleting'> = {
  seq: 2,
  type: 'deleting',
  at: '2100-01-01T00:00:00.000Z',
  round: null,
  attempt: null,
  data: { by: 'a test' },
}

/** A watcher that records all messages. */
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
      await eventually(() => messages.length >= count)
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
    await eventually(() => watcher.closed !== null)
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
    expect(watcher.messages.map(({ end }) => end)).toEqual([...Array(5).fill(undefined), true])
    expect(watcher.closed).toBe(1000)
  })

  it('hears the end once, with the last of the lines that were written with it', async () => {
    const runpod = new FakeRunpod().install()
    runpod.answers.set('/run', () => Response.json({ error: 'no' }, { status: 400 }))
    const job = await aCreatedJob()
    const watcher = await watch(job)
    await job.ring()
    await eventually(() => watcher.closed !== null)
    const lines = watcher.messages.map(({ event, end }) => [event?.type, end])
    expect(lines.slice(-2)).toEqual([
      ['attempt_failed', undefined],
      ['error', true],
    ])
  })

  it('of a job that is deleted is closed with 4404, and told of no end', async () => {
    new FakeRunpod().install()
    const job = await aCreatedJob()
    const watcher = await watch(job)
    await runInDurableObject(job.stub, (_actor, state) => {
      new Watchers(state).tellEvents([aLine], null, Date.now())
    })
    await eventually(() => watcher.closed !== null)
    expect(watcher.closed).toBe(4404)
    expect(watcher.messages.map(({ end }) => end)).toEqual([undefined, undefined])
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
    await job.stub.command({ type: 'cancel', by: 'test' }, ANYONE)
    const watcher = await watch(job)
    await eventually(() => watcher.closed !== null)
    expect(watcher.messages).toMatchObject([{ type: 'snapshot', end: true }])
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
    await eventually(() => watcher.messages.at(-1)?.progress === 60)
    const told = watcher.messages.filter((message) => message.type === 'progress')
    expect(told.length).toBeLessThan(10)
  })

  it('is answered ping with pong', async () => {
    new FakeRunpod().install()
    const job = await aRunningJob()
    const watcher = await watch(job)
    await watcher.until(1)
    watcher.socket.send('ping')
    await eventually(() => watcher.pongs === 1)
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
      await eventually(() => watcher.pongs === 1)
      expect(watcher.closed).toBeNull()
      watcher.socket.send(message)
      await eventually(() => watcher.closed !== null)
      expect(watcher.closed).toBe(1009)
    },
  )

  it('may send a few frames that are no ping in a minute, and is closed for more, counted across evictions', async () => {
    new FakeRunpod().install()
    const job = await aRunningJob()
    const watcher = await watch(job)
    const send = async (frames: number) => {
      const pongs = watcher.pongs + 1
      for (let frame = 0; frame < frames; frame++) watcher.socket.send('{"type":"ack"}')
      watcher.socket.send('ping')
      await eventually(() => watcher.pongs === pongs || watcher.closed !== null)
    }
    await send(MAX_FRAMES)
    expect(watcher.closed).toBeNull()
    pass(MINUTE)
    await send(MAX_FRAMES - 1)
    await job.evict()
    await send(1)
    expect(watcher.closed).toBeNull()
    watcher.socket.send('{"type":"ack"}')
    await eventually(() => watcher.closed !== null)
    expect(watcher.closed).toBe(1008)
  })
})

import { runInDurableObject } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import type { InspectedActor } from '../../wire/admin.ts'
import { eventually } from '../support/eventually.ts'
import {
  type ActorHandle,
  ANYONE,
  aCreatedJob,
  aRunningJob,
  completed,
  FakeRunpod,
  FIRST,
  progress,
  storeOutput,
} from '../support/workerd/actors.ts'
import { HOUR, MINUTE, pass, SECOND, useFarFutureClock } from '../support/workerd/clock.ts'
import { openLine } from '../support/workerd/line.ts'
import { TestWatcher } from '../support/workerd/watcher.ts'

useFarFutureClock()

const RUN = 'rp-1-u1'

/** A job that RunPod has accepted, and whose worker has sent its hello. */
async function aLinedJob() {
  const runpod = new FakeRunpod().install()
  const job = await aCreatedJob()
  await job.ring()
  const line = await openLine(job)
  line.hello('a', RUN)
  await line.settled()
  return { job, line, runpod, complete: () => complete(job) }
}

async function complete(job: ActorHandle): Promise<void> {
  await storeOutput(job)
  await job.ring()
}

const output = ({ id }: ActorHandle) => `output/${id}/1-1.mp4`

const msFrom = (from = '', to = '') => Date.parse(to) - Date.parse(from)

async function inspected(job: ActorHandle) {
  const answer = await job.stub.inspect({ after: null, before: null, limit: 1, types: null }, ANYONE)
  if (!answer.found) throw new Error('There is no such job.')
  const { actor }: { actor: InspectedActor } = JSON.parse(answer.inspection)
  return { ...actor, line: actor.line ?? { open: null, last_close: null } }
}

/** Resolves when the actor has handled the close of its line. */
async function missed(job: ActorHandle): Promise<void> {
  await eventually(async () => Number(await job.alarmAt()) <= Date.now() + 10 * SECOND)
}

/** Simulates a ping that the runtime answered for a sleeping actor at this instant. */
function pinged(job: ActorHandle, at: number): Promise<void> {
  return runInDurableObject(job.stub, (_actor, state) => {
    vi.spyOn(state, 'getWebSocketAutoResponseTimestamp').mockReturnValue(new Date(at))
  })
}

describe('A worker on its line', () => {
  it('reports as by POST: watchers hear it, and a read shows it', async () => {
    const { job, line } = await aLinedJob()
    const watcher = new TestWatcher(job)
    await watcher.dial()
    line.progress(1, 42, { eta_seconds: 31, message: 'Frame 10' })
    await line.settled()
    expect(await job.job()).toMatchObject({
      status: 'processing',
      progress: 42,
      stage: 'rendering',
      eta_seconds: 31,
      message: 'Frame 10',
      runpod_job_id: RUN,
    })
    await eventually(() => watcher.events.some(({ type }) => type === 'stage'))
  })

  it('is no watcher: it is told nothing of the job, and not counted', async () => {
    const { job, line } = await aLinedJob()
    line.progress(1, 42)
    await line.settled()
    expect(line.told).toEqual([])
    expect((await inspected(job)).sockets.count).toBe(0)
  })

  it('is shown to an operator: since when, how much came over it, and how the last one closed', async () => {
    const { job, line } = await aLinedJob()
    expect((await inspected(job)).line).toMatchObject({
      open: { messages: 0, last_n: null },
      last_close: null,
    })
    pass(SECOND)
    line.progress(1, 10)
    line.progress(2, 20)
    await line.settled()
    await job.evict()
    const { open } = (await inspected(job)).line
    expect(open).toMatchObject({ messages: 2, last_n: 2 })
    expect(msFrom(open?.since, open?.heard_at)).toBeGreaterThanOrEqual(SECOND)
    pass(SECOND)
    line.hangUp(1001)
    await missed(job)
    const { line: after } = await inspected(job)
    expect(after).toMatchObject({ open: null, last_close: { code: 1001, messages: 2 } })
    expect(msFrom(open?.heard_at, after.last_close?.at)).toBeGreaterThanOrEqual(SECOND)
  })

  it('is shown as closed when it was told to stop', async () => {
    const { job, line } = await aLinedJob()
    await job.stub.command({ type: 'cancel', by: 'test' }, ANYONE)
    await line.ended()
    expect((await inspected(job)).line).toMatchObject({ open: null, last_close: { code: 1000, messages: 0 } })
  })

  it('hears an ack once its completion is durable, and no order to stop when it has won', async () => {
    const { job, line, complete } = await aLinedJob()
    line.say({ type: 'complete', n: 2, output_video_key: output(job) })
    await line.until(() => line.told.length > 0)
    expect(line.told).toEqual([{ type: 'ack', of: 2 }])
    expect(await job.types()).toContain('verifying')
    await complete()
    expect(await line.ended()).toBe(1000)
    expect(line.types).toEqual(['ack'])
    expect(await job.job()).toMatchObject({ status: 'complete' })
  })

  it('hears an ack of its error, once, and nothing more', async () => {
    const { job, line } = await aLinedJob()
    line.say({ type: 'error', n: 2, error: 'It broke.', should_retry: false, code: 'invalid_media' })
    expect(await line.ended()).toBe(1000)
    expect(line.told).toEqual([{ type: 'ack', of: 2 }])
    expect(await job.job()).toMatchObject({ status: 'error', error: { code: 'invalid_media' } })
  })

  it.each([
    ['{"type": "complete", "n": 1, "output_video_key": "output/elsewhere.mp4"}', 'output_key_mismatch', 1],
    ['{"type": "complete", "n": 1}', 'invalid_request', 1],
    ['{"type": "surprise", "n": 1}', 'unknown_type', 1],
    ['{"n": "1"}', 'unknown_type', null],
    ['[]', 'invalid_json', null],
    ['{', 'invalid_json', null],
    ['{"type": "hello"}', 'invalid_request', null],
  ])('is told that %s is refused, and may go on', async (text, code, of) => {
    const { job, line } = await aLinedJob()
    line.send(text)
    await line.settled()
    expect(line.told).toMatchObject([{ type: 'refused', of, code, detail: expect.stringMatching(/\.$/) }])
    line.progress(2, 50)
    await line.settled()
    expect(await job.job()).toMatchObject({ status: 'processing', progress: 50 })
  })

  it('is not listened to before its hello', async () => {
    new FakeRunpod().install()
    const job = await aRunningJob()
    const line = await openLine(job)
    line.progress(1, 90)
    await line.settled()
    expect(line.told).toMatchObject([{ type: 'refused', of: 1, code: 'hello_missing' }])
    expect(await job.job()).toMatchObject({ progress: 10 })
  })

  it('hears stop in the commit that closes its attempt, before any alarm', async () => {
    const { job, line, runpod } = await aLinedJob()
    await job.stub.command({ type: 'cancel', by: 'test' }, ANYONE)
    expect(await line.ended()).toBe(1000)
    expect(line.told).toEqual([{ type: 'stop', reason: 'cancelled' }])
    expect(runpod.count('/cancel')).toBe(0)
  })

  it('of an attempt that is closed already hears stop at its hello', async () => {
    const { job, line } = await aLinedJob()
    await job.stub.command({ type: 'cancel', by: 'test' }, ANYONE)
    await line.ended()
    const late = await openLine(job)
    late.hello('a', RUN)
    expect(await late.ended()).toBe(1000)
    expect(late.told).toEqual([{ type: 'stop', reason: 'cancelled' }])
  })
})

describe('The instances that say hello under one token', () => {
  it('the same replaces its old line without a word', async () => {
    const { job, line } = await aLinedJob()
    line.progress(7, 30)
    await line.settled()
    const again = await openLine(job)
    again.hello('a', RUN)
    expect(await line.ended()).toBe(1000)
    expect(line.told).toEqual([])
    again.progress(6, 20)
    again.progress(8, 40)
    await again.settled()
    expect(await job.job()).toMatchObject({ progress: 40 })
    expect(await job.types()).not.toContain('line_lost')
    pass(10 * SECOND)
    await job.ring()
    expect(again.closed).toBeNull()
    expect(await job.types()).not.toContain('line_lost')
  })

  it('another one of the same RunPod job is a re-dispatch: the newest stays, the older stops', async () => {
    const { job, line } = await aLinedJob()
    line.progress(50, 60)
    await line.settled()
    const newer = await openLine(job)
    newer.hello('b', RUN)
    expect(await line.ended()).toBe(1000)
    expect(line.told).toEqual([{ type: 'stop', reason: 'replaced' }])
    newer.progress(1, 70)
    await newer.settled()
    expect(newer.told).toEqual([])
    expect(await job.job()).toMatchObject({ status: 'processing', progress: 70 })
  })

  it('one of another RunPod job is a stranger: it stops, and its run is cancelled', async () => {
    const { job, line, runpod } = await aLinedJob()
    const stranger = await openLine(job)
    stranger.hello('x', 'rp-other-u1')
    expect(await stranger.ended()).toBe(1000)
    expect(stranger.told).toEqual([{ type: 'stop', reason: 'stranger' }])
    line.progress(1, 20)
    await line.settled()
    expect(line.closed).toBeNull()
    await job.ring()
    expect(runpod.calls.map(({ path }) => path)).toContain('/cancel/rp-other-u1')
  })

  it('no more than a handful of lines is held open', async () => {
    const { job, line } = await aLinedJob()
    for (let i = 0; i < 8; i++) await openLine(job)
    expect(await line.ended()).toBe(1013)
  })
})

describe('A line and POST', () => {
  it('count in one: progress on the line that a posted completion has overtaken cancels nobody', async () => {
    const { job, line, runpod, complete } = await aLinedJob()
    await job.report({ ...completed(), n: 9, runpodJobId: RUN })
    line.progress(8, 99)
    await line.settled()
    await complete()
    expect(await line.ended()).toBe(1000)
    expect(line.told).toEqual([])
    await job.ring()
    expect(await job.job()).toMatchObject({ status: 'complete' })
    expect(runpod.count('/cancel')).toBe(0)
  })

  it('a POST that is late on its way does not undo what the line has said since', async () => {
    const { job, line } = await aLinedJob()
    line.progress(5, 50)
    await line.settled()
    const late = { ...progress(20, FIRST, 'downloading'), n: 4, instance: 'a' }
    expect(await job.report(late)).toEqual({ ok: true, cancel: false })
    expect(await job.job()).toMatchObject({ progress: 50, stage: 'rendering' })
  })
})

describe('An actor that sleeps between two messages', () => {
  it('has lost no progress, wakes nobody for it, and asks RunPod nothing while pings come', async () => {
    const { job, line, runpod } = await aLinedJob()
    line.progress(1, 10)
    line.progress(2, 60, { eta_seconds: 9, message: 'Frame 60' })
    await line.settled()
    const rows = await job.types()
    await job.evict()
    pass(15 * SECOND)
    expect(await job.job()).toMatchObject({ progress: 60, eta_seconds: 9, message: 'Frame 60' })
    await job.evict()
    pass(46 * SECOND)
    await pinged(job, Date.now() - SECOND)
    await job.ring()
    expect(runpod.count('/status')).toBe(0)
    expect(await job.alarmAt()).toBeGreaterThan(Date.now() + 50 * SECOND)
    expect(await job.types()).toEqual(rows)
    line.progress(1, 5)
    line.progress(3, 61)
    await line.settled()
    expect(await job.job()).toMatchObject({ progress: 61 })
  })

  it('asks about a worker whose line is open and silent for too long', async () => {
    const { job, line, runpod } = await aLinedJob()
    line.progress(1, 60)
    await line.settled()
    pass(61 * SECOND)
    await job.ring()
    expect(runpod.count('/status')).toBe(1)
  })

  it('tells the worker to stop all the same', async () => {
    const { job, line } = await aLinedJob()
    await job.evict()
    await job.stub.command({ type: 'cancel', by: 'test' }, ANYONE)
    expect(await line.ended()).toBe(1000)
    expect(line.told).toEqual([{ type: 'stop', reason: 'cancelled' }])
  })
})

describe('A line that closes before the end', () => {
  it('is asked about after ten seconds, and the log says so', async () => {
    const { job, line, runpod } = await aLinedJob()
    line.hangUp()
    await missed(job)
    await job.evict()
    pass(10 * SECOND)
    await job.ring()
    expect((await job.events()).at(-1)).toMatchObject({ type: 'line_lost', attempt: 1 })
    expect(runpod.count('/status')).toBe(1)
    expect((await job.job()).reason).toContain('is lost since')
  })

  it('is nothing when it is back in time', async () => {
    const { job, line, runpod } = await aLinedJob()
    line.hangUp()
    await missed(job)
    pass(9 * SECOND)
    const again = await openLine(job)
    again.hello('a', RUN)
    await again.settled()
    pass(SECOND)
    await job.ring()
    expect(runpod.count('/status')).toBe(0)
    expect(await job.types()).not.toContain('line_lost')
  })

  it('is missed by an actor that was started anew without it', async () => {
    const { job, line, runpod } = await aLinedJob()
    line.hangUp()
    await missed(job)
    await runInDurableObject(job.stub, (_actor, { storage }) => {
      // As after the death of a process, which did not handle the close of the line.
      const { state } = storage.sql.exec<{ state: string }>('SELECT state FROM job').one()
      const job = JSON.parse(state)
      job.phase.line.lostAt = null
      job.phase.stallAt = Date.now() + MINUTE
      storage.sql.exec('UPDATE job SET state = ?', JSON.stringify(job))
    })
    await job.evict()
    await job.job()
    pass(10 * SECOND)
    await job.ring()
    expect(await job.types()).toContain('line_lost')
    expect(runpod.count('/status')).toBe(1)
  })
})

describe('What no worker sends', () => {
  it.each<[string, string | ArrayBuffer, number]>([
    ['more than 4 KiB', JSON.stringify({ type: 'progress', n: 1, message: 'x'.repeat(4096) }), 1009],
    ['more than 4 KiB of few characters', JSON.stringify({ type: 'é'.repeat(2_048) }), 1009],
    ['a megabyte', 'x'.repeat(1_000_000), 1009],
    ['bytes', new Uint8Array(10).buffer, 1003],
  ])('%s closes the line, and RunPod is asked unless it is back', async (_, frame, code) => {
    const { job, line } = await aLinedJob()
    line.send(frame)
    expect(await line.ended()).toBe(code)
    expect(await job.job()).toMatchObject({ status: 'processing', progress: 0 })
    expect(await job.alarmAt()).toBeLessThanOrEqual(Date.now() + 10 * SECOND)
  })

  it('4 KiB are not too much', async () => {
    const { line } = await aLinedJob()
    line.send(JSON.stringify({ type: 'progress', n: 1, m: '' }).padEnd(4096))
    await line.settled()
    expect([line.closed, line.told]).toEqual([null, []])
  })

  it('more than 20 messages a second close the line; as many as that do not', async () => {
    const { line } = await aLinedJob()
    pass(SECOND)
    for (let n = 1; n <= 20; n++) line.progress(n, n)
    await line.settled()
    pass(SECOND)
    for (let n = 21; n <= 40; n++) line.progress(n, n)
    await line.settled()
    expect(line.closed).toBeNull()
    line.progress(41, 41)
    expect(await line.ended()).toBe(1008)
  })

  it('halves of surrogate pairs reach nobody', async () => {
    const { job, line } = await aLinedJob()
    line.send('{"type": "progress", "n": 1, "progress": 5, "stage": "a\\ud800", "message": "\\udfff"}')
    await line.settled()
    expect(await job.job()).toMatchObject({ stage: 'a\ufffd', message: '\ufffd' })
  })

  it('a token that has expired closes the line', async () => {
    const { job, line } = await aLinedJob()
    pass(2 * HOUR)
    line.progress(1, 90)
    expect(await line.ended()).toBe(4401)
    expect(await job.job()).toMatchObject({ progress: 0 })
  })
})

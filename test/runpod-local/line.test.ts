import { describe, expect, it } from 'vitest'
import type { FaultSet } from '../../runpod-local/faults.ts'
import { JobFailure } from '../../runpod-local/worker/failure.ts'
import { Reports } from '../../runpod-local/worker/reports.ts'
import { lineServer } from '../support/node/runpod-local/line-server.ts'
import { eventually } from '../support/node/runpod-local/local.ts'
import { ManualClock } from '../support/node/runpod-local/manual-clock.ts'
import { fakeService } from '../support/node/runpod-local/service.ts'

async function setUp(faults: FaultSet = {}) {
  const [service, line, clock] = [await fakeService(), await lineServer(), new ManualClock()]
  const stopped: string[] = []
  const reports = new Reports({
    callbackUrl: `${service.url}/do`,
    lineUrl: line.url,
    token: 'secret-token',
    runpodJobId: 'r-u1',
    clock,
    log: () => {},
    faults: () => faults,
    onCancel: (why) => stopped.push(why),
    signal: new AbortController().signal,
    minIntervalMs: 500,
    heartbeatMs: 5_000,
    backoffMs: [5, 5],
    timeoutMs: 2_000,
  })
  const opened = (times = 1) => eventually(() => expect(line.of('hello')).toHaveLength(times))
  const said = (count: number) => eventually(() => expect(line.of('progress')).toHaveLength(count))
  const at = (percent: number, message?: string) => {
    reports.progress({ percent, stage: 'rendering', ...(message !== undefined && { message }) })
  }
  return { service, line, clock, reports, stopped, opened, said, at }
}

describe('A worker with a line', () => {
  it('shows its token, says hello, and reports on it; nothing is posted', async () => {
    const { service, line, clock, reports, opened, said, at } = await setUp()
    await opened()
    expect(line.headers[0]).toMatchObject({
      authorization: 'Bearer secret-token',
      'sec-websocket-protocol': 'exportal.worker.v1',
      'user-agent': expect.stringContaining('exportal'),
    })
    expect(line.heard[0]).toMatchObject({
      runpod_job_id: 'r-u1',
      instance: expect.stringMatching(/^[\w-]+$/),
    })
    at(1)
    await said(1)
    clock.advance(500)
    at(2)
    await said(2)
    await reports.complete('output/x', ['Dark.'], true)
    expect(line.heard.slice(1).map(({ type, n }) => [type, n])).toEqual([
      ['progress', 1],
      ['progress', 2],
      ['complete', 3],
    ])
    expect(line.heard.at(-1)).toMatchObject({ output_video_key: 'output/x', message: 'Dark.', poster: true })
    expect(service.reports).toEqual([])
  })

  it('pings instead of saying the same again', async () => {
    const { line, clock, opened, said, at } = await setUp()
    await opened()
    at(1)
    await said(1)
    clock.advance(5_000)
    await eventually(() => expect(line.pings).toBe(1))
    expect(line.of('progress')).toHaveLength(1)
  })

  it('posts while its line is down, counts on, and goes back to it', async () => {
    const { service, line, clock, reports, opened, said, at } = await setUp()
    await opened()
    at(1)
    await said(1)
    line.cut()
    let percent = 2
    const next = () => {
      clock.advance(500)
      at(percent++)
    }
    await eventually(() => {
      next()
      expect(service.of('progress').length).toBeGreaterThan(0)
    })
    expect(service.of('progress')[0]?.body).toMatchObject({ instance: line.heard[0]?.instance })
    const before = line.of('progress').length
    await eventually(() => {
      next()
      expect(line.of('progress').length).toBeGreaterThan(before)
    })
    expect(line.of('hello')).toEqual([line.heard[0], line.heard[0]])
    await reports.complete('output/x')
    // A number may have been lost with the line; none is used twice.
    const numbers = [...line.of('progress'), ...service.of('progress').map(({ body }) => body)].map(
      ({ n }) => n,
    )
    expect(new Set(numbers).size).toBe(numbers.length)
    expect(line.of('complete')[0]?.n).toBeGreaterThan(Math.max(...numbers.map(Number)))
  })

  it('posts an end that was not acknowledged within 5 s, under the same number', async () => {
    const { service, line, clock, reports, opened } = await setUp()
    line.acks = false
    await opened()
    const done = reports.error(new JobFailure('worker_error', 'It broke.', true))
    await eventually(() => expect(line.of('error')).toHaveLength(1))
    clock.advance(4_999)
    expect(service.reports).toEqual([])
    clock.advance(1)
    await done
    expect(service.of('error')).toMatchObject([{ body: { n: 1, error: 'It broke.' } }])
  })

  it('posts an end whose line breaks before the ack', async () => {
    const { service, line, reports, opened } = await setUp()
    line.acks = false
    await opened()
    const done = reports.complete('output/x')
    await eventually(() => expect(line.of('complete')).toHaveLength(1))
    line.cut()
    await done
    expect(service.of('complete')).toMatchObject([{ body: { n: 1 } }])
  })

  it('does not repeat an end that was refused', async () => {
    const { service, line, reports, opened } = await setUp()
    line.acks = false
    await opened()
    const done = reports.complete('output/x')
    await eventually(() => expect(line.of('complete')).toHaveLength(1))
    line.say({ type: 'refused', of: 1, code: 'output_key_mismatch', detail: 'No.' })
    await done
    expect(service.reports).toEqual([])
  })

  it('posts what is longer than 4 KiB', async () => {
    const { service, line, opened, at } = await setUp()
    await opened()
    at(1, 'x'.repeat(5_000))
    await eventually(() => expect(service.of('progress')).toHaveLength(1))
    expect(line.of('progress')).toEqual([])
  })

  it('stops as soon as it is told, and hangs up', async () => {
    const { line, stopped, opened } = await setUp()
    await opened()
    line.say({ type: 'stop', reason: 'cancelled' })
    await eventually(() => expect(stopped).toEqual(['the service asked to stop (cancelled)']))
  })

  it('stops when the job is gone, and dials no more with a token that is over', async () => {
    const gone = await setUp()
    await gone.opened()
    gone.line.cut(4404)
    await eventually(() => expect(gone.stopped).toEqual(['the job is gone (4404)']))
    const over = await setUp()
    await over.opened()
    over.line.cut(4401)
    await eventually(() => {
      over.clock.advance(500)
      over.at(over.clock.now() % 90)
      expect(over.service.of('progress').length).toBeGreaterThan(0)
    })
    over.clock.advance(120_000)
    expect(over.line.headers).toHaveLength(1)
    expect(over.stopped).toEqual([])
  })
})

describe('The faults of a line', () => {
  it('refuse: everything is posted', async () => {
    const { service, line, reports, at } = await setUp({ line: { refuse: true } })
    at(1)
    await reports.complete('output/x')
    expect(service.reports.map(({ kind }) => kind)).toEqual(['progress', 'complete'])
    expect(line.headers).toEqual([])
  })

  it('cut_every_ms: it is dialed again each time', async () => {
    const { line, clock, opened } = await setUp({ line: { cut_every_ms: 1_000 } })
    await opened()
    await eventually(() => {
      clock.advance(500)
      expect(line.of('hello').length).toBeGreaterThan(2)
    })
  })

  it('drop_acks: the end is posted as well', async () => {
    const { service, line, clock, reports, opened } = await setUp({ line: { drop_acks: true } })
    await opened()
    const done = reports.complete('output/x')
    await eventually(() => expect(line.of('complete')).toHaveLength(1))
    clock.advance(5_000)
    await done
    expect(service.of('complete')).toMatchObject([{ body: { n: 1 } }])
  })

  it('duplicate, late_ms and slow_ms: twice, later than the next, and later', async () => {
    const { line, clock, opened, at } = await setUp({
      line: { duplicate: true, late_ms: 2_000, slow_ms: 100 },
    })
    await opened()
    for (const percent of [1, 2, 3, 4]) {
      at(percent)
      clock.advance(500)
    }
    const numbers = () => line.of('progress').map(({ n }) => n)
    await eventually(() => expect(numbers()).toEqual([1, 1, 2, 2, 4, 4]))
    clock.advance(2_100)
    await eventually(() => expect(numbers()).toEqual([1, 1, 2, 2, 4, 4, 3, 3]))
  })
})

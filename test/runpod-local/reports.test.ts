import { expect, it } from 'vitest'
import { systemClock } from '../../runpod-local/clock.ts'
import { JobFailure } from '../../runpod-local/worker/failure.ts'
import { type ReportOptions, Reports } from '../../runpod-local/worker/reports.ts'
import { eventually } from '../support/node/runpod-local/local.ts'
import { ManualClock } from '../support/node/runpod-local/manual-clock.ts'
import { fakeService } from '../support/node/runpod-local/service.ts'

async function setUp(more: Partial<ReportOptions> = {}) {
  const service = await fakeService()
  const clock = new ManualClock()
  const cancelled: string[] = []
  const reports = new Reports({
    callbackUrl: `${service.url}/do`,
    token: 't',
    runpodJobId: 'r-u1',
    clock,
    log: () => {},
    faults: () => ({}),
    onCancel: (why) => cancelled.push(why),
    signal: new AbortController().signal,
    minIntervalMs: 250,
    heartbeatMs: 5_000,
    backoffMs: [5, 5],
    timeoutMs: 2_000,
    ...more,
  })
  const arrived = (count: number) => eventually(() => expect(service.reports).toHaveLength(count))
  const percents = () => service.of('progress').map(({ body }) => body.progress)
  const at = (percent: number) => reports.progress({ percent, stage: 'rendering' })
  /** Resolves when all reports in transit have arrived. */
  const quiet = () => reports.flush()
  return { service, clock, cancelled, reports, arrived, percents, at, quiet }
}

it('sends at most one progress per interval, and of what came between only the newest', async () => {
  const { clock, at, arrived, percents, quiet } = await setUp()
  at(1)
  await arrived(1)
  for (const percent of [2, 3, 4]) at(percent)
  clock.advance(249)
  expect(percents()).toEqual([1])
  clock.advance(1)
  await arrived(2)
  await quiet()
  expect(percents()).toEqual([1, 4])
})

it('sends no half of a surrogate pair, whatever field it is in', async () => {
  const { service, reports, arrived } = await setUp()
  reports.progress({ percent: 1, stage: 'rendering', message: 'a\udc00b' })
  await arrived(1)
  await reports.complete('output/1\ud800.mp4', ['half: \ud83d'])
  expect(service.of('progress')[0]?.body.message).toBe('a\ufffdb')
  expect(service.of('complete')[0]?.body).toMatchObject({
    output_video_key: 'output/1\ufffd.mp4',
    message: 'half: \ufffd',
  })
})

it('never has two under way', async () => {
  const { service, clock, at, arrived, percents, quiet } = await setUp()
  const gate = Promise.withResolvers<void>()
  service.answer = () => ({ status: 200, after: gate.promise })
  at(1)
  await arrived(1)
  at(2)
  clock.advance(60_000)
  expect(service.reports).toHaveLength(1)
  gate.resolve()
  await arrived(2)
  await quiet()
  expect(percents()).toEqual([1, 2])
})

it('never falls, is whole, and stays under 100', async () => {
  const { at } = await setUp()
  expect([at(12.9), at(3), at(-5), at(50.2), at(130)]).toEqual([12, 12, 12, 50, 99])
})

it('repeats itself when there is no news, so that silence means death', async () => {
  const { clock, at, arrived, percents } = await setUp()
  at(7)
  await arrived(1)
  for (const nth of [2, 3]) {
    await eventually(() => expect(clock.pending).toBe(1))
    clock.advance(5_000)
    await arrived(nth)
  }
  expect(percents()).toEqual([7, 7, 7])
})

it('sends stage, message, time left, the RunPod id and the token', async () => {
  const { service, reports, arrived } = await setUp()
  reports.progress({ percent: 1, stage: 'uploading', message: 'hi', etaSeconds: 3.6 })
  await arrived(1)
  expect(service.reports[0]).toMatchObject({
    authorization: 'Bearer t',
    body: { progress: 1, stage: 'uploading', message: 'hi', eta_seconds: 4, runpod_job_id: 'r-u1' },
  })
})

it('survives a service that cannot be reached', async () => {
  const { at, quiet, reports } = await setUp({ callbackUrl: 'http://127.0.0.1:1' })
  at(1)
  await quiet()
  await reports.close()
})

it.each([
  [200, { cancel: true }, 1],
  [409, { cancel: true }, 1],
  [404, {}, 1],
  [410, {}, 1],
  [200, { cancel: false }, 0],
  [500, {}, 0],
])('reads %i %j as a wish to stop: %i', async (status, body, times) => {
  const { service, cancelled, at, quiet } = await setUp()
  service.answer = () => ({ status, body })
  at(1)
  await quiet()
  expect(cancelled).toHaveLength(times)
})

it.each([
  ['a completion', 'complete', [503, 500, 200]],
  ['a completion that a limit refused', 'complete', [429, 200]],
  ['an error', 'error', [502, 200]],
])('tries %s again until it is taken', async (_name, kind, answers) => {
  const { service, reports } = await setUp({ clock: systemClock })
  const queue = [...answers]
  service.answer = () => ({ status: queue.shift() ?? 200 })
  if (kind === 'complete') await reports.complete('key')
  else await reports.error(new JobFailure('worker_error', 'Broken.', true))
  expect(service.of(kind)).toHaveLength(answers.length)
})

it.each([
  ['for ever out of reach, after its tries', 503, 3],
  ['refused for good, at once', 401, 1],
])('gives up a completion that is %s', async (_name, status, tries) => {
  const { service, reports } = await setUp({ clock: systemClock })
  service.answer = () => ({ status })
  await reports.complete('key')
  expect(service.of('complete')).toHaveLength(tries)
})

it('sends no progress after a completion', async () => {
  const { service, clock, reports, at, arrived } = await setUp()
  at(1)
  await arrived(1)
  at(2)
  await reports.complete('key')
  at(3)
  clock.advance(60_000)
  await reports.flush()
  expect(service.reports.map(({ kind }) => kind)).toEqual(['progress', 'complete'])
})

it('sends nothing once the worker is stopped', async () => {
  const stop = new AbortController()
  const { service, reports } = await setUp({ signal: stop.signal })
  stop.abort()
  await reports.complete('key')
  expect(service.reports).toEqual([])
})

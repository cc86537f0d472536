import { describe, expect, test } from 'vitest'
import type { Event } from '../../actors/export-job/core/events.ts'
import { findingsOf } from '../../actors/export-job/core/shown/findings.ts'
import { reasonOf } from '../../actors/export-job/core/shown/reason.ts'
import {
  completed,
  failed,
  lineLost,
  lineSeen,
  MINUTE,
  observed,
  outputSeen,
  pollFailed,
  progressed,
  RUNPOD_ID,
  ref,
  SECOND,
  T0,
} from '../support/node/builders.ts'
import { acknowledged, anAmbiguousJob, aQueuedJob } from '../support/node/stages.ts'

const HELLO = T0 + 10 * SECOND
const own = { runpodJobId: RUNPOD_ID, instance: 'a', byLine: true } as const
const said = (percent: number, n: number) => progressed(percent, { ...own, n })
const aLinedJob = () => acknowledged(aQueuedJob().when(progressed(0, own), HELLO))

describe('A worker on its line', () => {
  test('runs its attempt from its hello on', () => {
    aLinedJob().then({ step: 'running', phase: { line: { lostAt: null, asks: 0 } } })
  })

  test('is alive while its line is: RunPod is not asked about a silence', () => {
    const pinged = aLinedJob().when(lineSeen({ at: HELLO + 50 * SECOND, reportedAt: HELLO }), HELLO + MINUTE)
    pinged.then({ durable: false, wakeAt: HELLO + 50 * SECOND + MINUTE })
    pinged.when({ type: 'wake' }).then({ unchanged: true })
  })

  test('is told of as silent once RunPod was asked about it, until it says something', () => {
    const silent = aLinedJob()
      .wakes(HELLO + MINUTE)
      .when(observed('running'), HELLO + MINUTE + SECOND)
    const told = (story: typeof silent) => findingsOf(story.job, story.now)[0]?.code
    expect(told(silent)).toBe('stalled')
    expect(silent.job.attention?.reason).toBe('stalled')
    const back = silent.when(said(30, 2), HELLO + MINUTE + 2 * SECOND)
    expect(told(back)).toBe('under_way')
    expect(told(back.when(said(31, 3), HELLO + 2 * MINUTE))).toBe('under_way')
  })

  test('does not shorten the pauses of failing polls by being open, but by a message', () => {
    let story = aLinedJob()
    for (let failures = 1; failures <= 5; failures++) {
      story = acknowledged(story)
        .wakes()
        .then({ effects: ['poll'] })
        .when(pollFailed())
      story = story
        .when(lineSeen({ at: HELLO, reportedAt: HELLO }))
        .then({ phase: { pollFailures: failures } })
    }
    const pingedAt = story.now + 10 * MINUTE
    story.when(lineSeen({ at: pingedAt }), pingedAt).then({ phase: { pollFailures: 0 } })
  })

  test('has its progress back after its actor slept, and it is not stored for that', () => {
    const slept = lineSeen({ at: HELLO + 40 * SECOND, percent: 60, etaMs: 9_000, message: 'Frame 9' })
    aLinedJob()
      .when(slept, HELLO + 55 * SECOND)
      .then({
        durable: false,
        progress: {
          percent: 60,
          etaMs: 9_000,
          message: 'Frame 9',
          reportedAt: HELLO + 40 * SECOND,
        },
      })
  })

  test('is not set back by what an older socket has kept', () => {
    aLinedJob()
      .when(said(70, 5), HELLO + 20 * SECOND)
      .when(lineSeen({ at: HELLO + 5 * SECOND, percent: 60 }), HELLO + 21 * SECOND)
      .then({ progress: { percent: 70, reportedAt: HELLO + 20 * SECOND } })
  })

  test('is not heard of once its attempt is closed, or before it runs', () => {
    aLinedJob()
      .when({ type: 'cancel', by: 'tester' })
      .when(lineSeen({ at: HELLO }))
      .then({ unchanged: true })
    aQueuedJob().when(lineLost()).then({ unchanged: true })
    anAmbiguousJob().when(lineLost()).then({ unchanged: true })
  })
})

describe('A line that is lost', () => {
  const LOST = HELLO + 30 * SECOND
  const lost = () => aLinedJob().when(lineLost(), LOST)

  test('is stored, and looked into ten seconds later', () => {
    lost().then({ durable: true, log: [], wakeAt: LOST + 10 * SECOND })
  })

  test('that is back within ten seconds is no event, and RunPod is not asked', () => {
    lost()
      .when(progressed(0, own), LOST + 9 * SECOND)
      .then({ phase: { line: { lostAt: null } }, log: [], wakeAt: LOST + 9 * SECOND + MINUTE })
  })

  test('is noted once, and RunPod is asked at 10, 20, 40 and 60 s, then as after any silence', () => {
    let story = lost()
    const asked = []
    for (let i = 0; i < 6; i++) {
      story = acknowledged(story)
        .wakes()
        .then({ effects: ['poll'], log: i === 0 ? ['line_lost'] : [] })
      asked.push((story.now - LOST) / SECOND)
      story = story.when(observed('running'), story.now + 100)
    }
    expect(asked.map(Math.round)).toEqual([10, 20, 40, 60, 120, 180])
    expect(reasonOf(story.job)).toContain('is lost since')
  })

  test('whose worker posts is asked about no more, and is no line any more', () => {
    const posted = lost()
      .wakes()
      .when(observed('running'))
      .when(progressed(50), LOST + 15 * SECOND)
    posted.then({ phase: { stallAt: LOST + 15 * SECOND + MINUTE } })
    expect(posted.job.phase).not.toHaveProperty('line')
  })

  test('leads to the next attempt as soon as RunPod says that the run is over', () => {
    lost()
      .wakes()
      .when(observed('failed'))
      .then({ step: 'waiting', phase: { failure: { code: 'worker_error' } } })
  })

  test('is asked about again with a growing pause while RunPod does not answer', () => {
    const story = lost().wakes().when(pollFailed())
    story.then({ step: 'running', phase: { pollFailures: 1 } })
    acknowledged(story)
      .wakes()
      .then({ effects: ['poll'], log: [] })
  })

  test('of a run whose id nobody knows is as silent as any: there is nobody to ask', () => {
    const story = anAmbiguousJob().when(progressed(1, { instance: 'a', byLine: true }), HELLO)
    acknowledged(story)
      .when(lineLost(), LOST)
      .then({ step: 'running', wakeAt: HELLO + MINUTE })
  })

  test('that is lost twice is lost since the first time', () => {
    lost()
      .when(lineLost(), LOST + 5 * SECOND)
      .then({ unchanged: true })
  })
})

describe('A report that a later one of the same worker has overtaken', () => {
  test('is dropped without a word, whichever way it came', () => {
    const story = aLinedJob().when(said(50, 3))
    story.when(said(10, 2)).then({ unchanged: true, reply: { ok: true, cancel: false } })
    story.when(progressed(60, { n: 2 })).then({ unchanged: true })
  })

  test('cancels nobody after the completion that overtook it', () => {
    const done = aLinedJob().when(completed({ ...own, n: 9 }))
    done.when(said(90, 8)).then({ unchanged: true, reply: { cancel: false } })
    const complete = done.wakes().when(outputSeen())
    complete.then({ status: 'complete' })
    complete.when(said(90, 8)).then({ unchanged: true, reply: { cancel: true } })
  })

  test('that was an error is no error after the completion', () => {
    aLinedJob()
      .when(completed({ ...own, n: 9 }))
      .when(failed({ ...own, n: 8 }))
      .then({ unchanged: true, step: 'verifying' })
  })

  test('is not known by the number of another instance', () => {
    aLinedJob()
      .when(said(50, 30))
      .when(progressed(60, { ...own, instance: 'b', n: 1 }))
      .then({ progress: { percent: 60 }, attempt: { said: { n: 1, instance: 'b' } } })
  })

  test.each<[string, Event]>([
    ['completion', completed({ n: 1 })],
    ['error', failed({ n: 1 })],
  ])('is never taken for one if it is a %s of a worker that does not name its instance', (_, end) => {
    const story = aLinedJob().when(said(50, 30)).when(end)
    expect(story.job.phase).not.toMatchObject({ step: 'running' })
  })

  test('is known by its number after the actor slept', () => {
    aLinedJob()
      .when(lineSeen({ at: HELLO + SECOND, percent: 60, n: 12, instance: 'a' }))
      .when(said(70, 11))
      .then({ unchanged: true })
  })

  test('is none when it is said twice', () => {
    aLinedJob()
      .when(said(50, 3))
      .when(said(51, 3))
      .then({ progress: { percent: 51 } })
    const twice = completed({ ...own, n: 9 })
    aLinedJob()
      .when(twice)
      .when(twice)
      .then({ step: 'verifying', log: [], reply: { ok: true, cancel: false } })
  })

  test('of a stranger does not move the number', () => {
    aLinedJob()
      .when(said(50, 3))
      .when(progressed(60, { ref: ref(), runpodJobId: 'rp-stranger', n: 99 }))
      .then({ attempt: { said: { n: 3, instance: 'a' } }, reply: { cancel: true } })
  })
})

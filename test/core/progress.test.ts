import { describe, expect, test } from 'vitest'
import { MINUTE, progressed, SECOND, T0 } from '../support/node/builders.ts'
import { aQueuedJob, aRunningJob } from '../support/node/stages.ts'

const SAVED = T0 + 10 * SECOND

describe('Progress', () => {
  test('is kept in memory until thirty seconds have passed since the last write', () => {
    const story = aRunningJob()
    expect(story.job.savedAt).toBe(SAVED)
    let last = story
    for (let at = SAVED + 9 * SECOND; at < SAVED + 30 * SECOND; at += 9 * SECOND)
      last = last.when(progressed(9), at)
    last.when(progressed(10), SAVED + 30 * SECOND - 1).then({ durable: false, progress: { percent: 10 } })
    last.when(progressed(10), SAVED + 30 * SECOND).then({ durable: true, log: [] })
  })

  test('is written at once where an idle actor may forget it, unless it came over a line, which keeps it', () => {
    const story = aRunningJob().when(progressed(10), SAVED + SECOND)
    story.when(progressed(40), SAVED + 11 * SECOND - 1).then({ durable: false })
    story.when(progressed(40), SAVED + 11 * SECOND).then({ durable: true, log: [] })
    story.when(progressed(40, { byLine: true }), SAVED + 11 * SECOND).then({ durable: false })
  })

  test('is written at once when the clock was set back by thirty seconds or more', () => {
    aRunningJob()
      .when(progressed(10), SAVED - 30 * SECOND)
      .then({ durable: true, log: [] })
  })

  test('of a hundred reports in two hundred seconds is written at most six times', () => {
    let story = aRunningJob()
    let writes = 0
    for (let i = 1; i <= 100; i++) {
      story = story.when(progressed(i), SAVED + i * 2 * SECOND)
      if (story.last?.durable) writes++
    }
    expect(writes).toBe(6)
    expect(story.job.progress.percent).toBe(100)
  })

  test('is written at once when the stage changes, and that is logged', () => {
    const story = aRunningJob().when(progressed(10, { stage: 'rendering' }), SAVED + SECOND)
    story.then({ durable: true, log: ['stage'], progress: { stage: 'rendering' } })
    story.when(progressed(11, { stage: 'rendering' })).then({ durable: false, log: [] })
    story.when(progressed(11)).then({ durable: false, progress: { stage: 'rendering' } })
  })

  test('is written at once when it changes the status', () => {
    aQueuedJob()
      .when(progressed(1), T0 + 2 * SECOND)
      .then({ durable: true, status: 'processing', log: ['processing'] })
  })

  test('never falls within an attempt', () => {
    aRunningJob()
      .when(progressed(60))
      .when(progressed(40))
      .then({ progress: { percent: 60 } })
  })

  test('stays within 0 and 100, whatever a worker says', () => {
    aRunningJob()
      .when(progressed(140))
      .then({ progress: { percent: 100 } })
    aRunningJob()
      .when(progressed(-3))
      .then({ progress: { percent: 5 } })
  })

  test('keeps the message until the stage changes', () => {
    const told = aRunningJob().when(progressed(10, { message: 'Frame 10' }))
    told.when(progressed(11)).then({ progress: { message: 'Frame 10' } })
    told.when(progressed(11, { stage: 'encoding' })).then({ progress: { message: null, stage: 'encoding' } })
  })

  test('shows the newest estimate, and when it was told', () => {
    aRunningJob()
      .when(progressed(50, { etaMs: 30_000 }), SAVED + 5 * SECOND)
      .then({ progress: { etaMs: 30_000, reportedAt: SAVED + 5 * SECOND } })
      .when(progressed(51), SAVED + 6 * SECOND)
      .then({ progress: { etaMs: null } })
  })

  test('that is only in memory still keeps the job from being asked about', () => {
    aRunningJob()
      .when(progressed(50), SAVED + 5 * SECOND)
      .then({ durable: false, wakeAt: SAVED + 5 * SECOND + MINUTE })
  })
})

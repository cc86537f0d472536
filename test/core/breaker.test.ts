import { describe, expect, test } from 'vitest'
import { BREAKER } from '../../actors/export-job/core/breaker.ts'
import type { Job } from '../../actors/export-job/core/job.ts'
import { POLICY_BOUNDS } from '../../actors/export-job/core/policy.ts'
import { naturalWakeAt, wakeAt } from '../../actors/export-job/core/schedule.ts'
import {
  aJob,
  CANCEL,
  DELETE,
  HOUR,
  MINUTE,
  mirrored,
  observed,
  pollFailed,
  progressed,
  RETRY,
  SECOND,
  T0,
  WAKE,
} from '../support/node/builders.ts'
import { given, type Story } from '../support/node/given.ts'
import { aFailedJob, aRunningJob, aWaitingJob } from '../support/node/stages.ts'

/** A job whose clock never advances, as by a fault in the core or a lost lease: it is always due. */
function alwaysDue(story: Story): Story {
  const { phase } = story.job
  if (phase.status !== 'pending' || phase.step !== 'waiting') return story
  return given({ ...story.job, phase: { ...phase, look: 'owed', nextAttemptAt: T0 } }, story.now)
}

function hotLoop(until: (job: Job) => boolean, most = 1_000): { story: Story; wakes: number } {
  let story = alwaysDue(aWaitingJob())
  let wakes = 0
  while (!until(story.job) && wakes++ < most) story = alwaysDue(story.wakes())
  return { story, wakes }
}

describe('An alarm that rings for ever', () => {
  test('is throttled after sixty wakes, which is logged', () => {
    const { story, wakes } = hotLoop((job) => job.breaker.tripped)
    expect(wakes).toBe(BREAKER.capacity + 1)
    story.then({ wakeAt: story.now + BREAKER.spacingMs })
    expect(naturalWakeAt(story.job)).toBeLessThan(story.now)
  })

  test('then rings once a minute, and earlier rings change nothing', () => {
    const { story } = hotLoop((job) => job.breaker.tripped)
    story.when(WAKE, story.now + MINUTE - 1).then({ unchanged: true })
    story.when(WAKE, story.now + MINUTE).then({ effects: ['look', 'mirror'] })
  })

  test('ends as runaway after ten more that still come too soon', () => {
    const { story, wakes } = hotLoop((job) => job.phase.status === 'error')
    story.then({ status: 'error', phase: { failure: { code: 'runaway', retryable: false } } })
    expect(wakes).toBe(BREAKER.capacity + 1 + BREAKER.strikes)
    expect(story.now - T0).toBeLessThan(20 * MINUTE)
  })

  test('relaxes as soon as the job has nothing to do for a minute', () => {
    const tripped = { level: 61, at: T0 + 10 * SECOND, tripped: true, strikes: 3 }
    const silent = given({ ...aRunningJob().job, breaker: tripped }, T0 + 10 * SECOND).wakes()
    expect(silent.now).toBe(T0 + 70 * SECOND)
    expect(silent.job.breaker).toMatchObject({ level: 0, tripped: false, strikes: 0 })
  })

  test('strikes a job that would have woken sooner, had it not been held back', () => {
    const tripped = { level: 61, at: T0 + 30 * SECOND, tripped: true, strikes: 3 }
    const held = given({ ...aRunningJob().job, breaker: tripped }, T0 + 70 * SECOND)
    held.then({ wakeAt: T0 + 90 * SECOND })
    expect(held.wakes().job.breaker).toMatchObject({ tripped: true, strikes: 4 })
  })

  test('never trips for wakes that are spread out', () => {
    let story = alwaysDue(aWaitingJob())
    for (let i = 0; i < 500; i++) story = alwaysDue(story.wakes(story.now + BREAKER.drainMs))
    expect(story.job.breaker.tripped).toBe(false)
  })

  test('never trips for a worker that reports a little less often than it is asked about, with the shortest silence', () => {
    const stallTimeoutMs = POLICY_BOUNDS.stallTimeoutMs.least
    let story = aRunningJob({ policy: { stallTimeoutMs, executionTimeoutMs: 4 * HOUR } })
    for (let polls = 0; story.now < T0 + 3 * HOUR; ) {
      story = story.wakes()
      const effects = story.last?.effects.map(({ type }) => type) ?? []
      if (effects.includes('mirror')) story = story.when(mirrored(story.job.version))
      if (!effects.includes('poll')) continue
      const fails = polls++ % 3 === 0
      story = story.when(fails ? pollFailed() : observed('running'), story.now + 200)
      if (!fails) story = story.when(progressed(40), story.now + 300)
    }
    story.then({ status: 'processing' })
    expect(story.job.breaker).toMatchObject({ tripped: false, strikes: 0 })
  })

  test('is forgiven by a retry by hand', () => {
    const ended = aFailedJob().job
    const story = given({ ...ended, breaker: { level: 70, at: T0, tripped: true, strikes: 9 } }).when(RETRY)
    expect(story.job.breaker).toMatchObject({ level: 0, tripped: false, strikes: 0 })
  })

  test('does not hold back what people ask for', () => {
    const { story } = hotLoop((job) => job.breaker.tripped)
    story.when(CANCEL).then({ status: 'cancelled' }).when(DELETE).then({ status: 'deleting' })
    expect(wakeAt(story.when(CANCEL).job)).toBe(story.now + MINUTE)
  })

  test('counts only wakes that find something due', () => {
    const job = aJob()
    expect(given(job).when(WAKE, T0 - 1).job.breaker.level).toBe(0)
    expect(given(job).when(WAKE, T0).job.breaker.level).toBe(1)
  })
})

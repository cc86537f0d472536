import { describe, expect, test } from 'vitest'
import { DISPATCH_GRACE_MS, MAX_ATTEMPTS_KEPT } from '../../actors/export-job/core/policy.ts'
import { viewOf } from '../../actors/export-job/core/shown/view.ts'
import {
  CANCEL,
  cancelAnswered,
  completed,
  DAY,
  dispatchAmbiguous,
  dispatched,
  dispatchWeighed,
  failed,
  MINUTE,
  outputAbsent,
  progressed,
  RUNPOD_ID,
  ref,
  SECOND,
  T0,
} from '../support/node/builders.ts'
import type { Story } from '../support/node/given.ts'
import {
  acknowledged,
  aDispatchingJob,
  aLostJob,
  anAmbiguousJob,
  aRunningJob,
} from '../support/node/stages.ts'

describe('A dispatch whose answer is lost', () => {
  test('is given a minute to report before it is written off', () => {
    anAmbiguousJob()
      .then({ status: 'pending', step: 'dispatching', log: ['dispatch_ambiguous'] })
      .then({ phase: { ambiguous: true, graceUntil: T0 + 75 * SECOND }, wakeAt: T0 + 75 * SECOND })
  })

  test('is written off when the grace is over, and then looked for before another is paid for', () => {
    aLostJob()
      .then({ step: 'waiting', log: ['attempt_failed'], effects: [], phase: { look: 'owed' } })
      .then({ attempt: { failure: { code: 'dispatch_lost', retryable: true }, remote: 'unknown' } })
      .wakes()
      .then({ effects: ['look'] })
      .when(outputAbsent())
      .dispatches()
      .then({ effects: ['dispatch'], attempts: 2 })
  })

  test('is written off the same way when the process died before the answer came', () => {
    aDispatchingJob()
      .then({ wakeAt: T0 + 75 * SECOND })
      .wakes()
      .then({ step: 'dispatching', effects: ['weigh'] })
      .when(dispatchWeighed(true))
      .then({ step: 'waiting', attempt: { failure: { code: 'dispatch_lost' } } })
  })

  test('does not count when the process died during an outage', () => {
    aDispatchingJob()
      .wakes()
      .when(dispatchWeighed(false))
      .then({ step: 'waiting', attempt: { uncounted: true, failure: { code: 'dispatch_lost' } } })
      .then({ phase: { exhausted: false } })
  })

  test('is adopted when its worker reports, by the id that it sends', () => {
    anAmbiguousJob()
      .when(progressed(3, { runpodJobId: RUNPOD_ID }), T0 + 60 * SECOND)
      .then({ status: 'processing', attempt: { runpodJobId: RUNPOD_ID, remote: 'live' } })
  })

  test('runs on without an id when the worker does not send one', () => {
    const running = anAmbiguousJob().when(progressed(3), T0 + 60 * SECOND)
    running.then({ status: 'processing', attempt: { runpodJobId: null, remote: 'unknown' } })
    acknowledged(running)
      .wakes()
      .then({ step: 'waiting', attempt: { failure: { code: 'stalled' } } })
  })

  test('may complete after it was written off, until the next attempt is committed', () => {
    aLostJob()
      .when(completed({ runpodJobId: RUNPOD_ID }))
      .then({ step: 'verifying', attempt: { endedAt: null, failure: null }, reply: { cancel: false } })
  })

  test('that is written off is told to stop as soon as its worker shows itself', () => {
    const orphan = aLostJob()
      .when(progressed(3, { runpodJobId: RUNPOD_ID }))
      .then({ step: 'waiting', log: ['late_report'], reply: { ok: true, cancel: true } })
      .wakes()
    expect(orphan.last?.effects).toMatchObject([{ type: 'cancelRemote', runpodJobId: RUNPOD_ID }])
    orphan.when(cancelAnswered('ended')).then({ attempt: { remote: 'ended' } })
  })

  test('becomes clear when the answer comes after all', () => {
    anAmbiguousJob()
      .when(dispatched(), T0 + 20 * SECOND)
      .then({ status: 'queued' })
  })

  test('does not lengthen the grace of a job that is no longer waiting for it', () => {
    aDispatchingJob()
      .when(CANCEL, T0 + SECOND)
      .when(dispatchAmbiguous(), T0 + 2 * SECOND)
      .then({ unchanged: true })
  })
})

describe('An outage of days, in which RunPod gives no clear answer', () => {
  /** The attempt that is due is sent without an answer, and written off. */
  function lost(story: Story): Story {
    const sent = story.dispatches()
    const { round, attempt } = sent.effect('dispatch').attempt
    const of = ref(attempt, round)
    const ambiguous = acknowledged(sent.when(dispatchAmbiguous(of), sent.now + 15 * SECOND))
    const weighed = ambiguous.wakes(ambiguous.now + DISPATCH_GRACE_MS).when(dispatchWeighed(false, of))
    return acknowledged(acknowledged(weighed).wakes().when(outputAbsent(of)))
  }

  function lostTimes(times: number): Story {
    const ran = aRunningJob({ policy: { deadlineMs: 14 * DAY } }).when(
      failed({ runpodJobId: RUNPOD_ID }),
      T0 + 100 * SECOND,
    )
    let story = acknowledged(ran).wakes().when(outputAbsent())
    for (let n = 0; n < times; n++) story = lost(story)
    return story
  }

  test('forgets neither the attempt that counts nor what it cost', () => {
    const story = lostTimes(2 * MAX_ATTEMPTS_KEPT)
    expect(viewOf(story.job)).toMatchObject({ attempt: 1, usage: { gpu_seconds: 90 } })
  })

  test('keeps no attempt for longer than it could run at RunPod', () => {
    const hours = lostTimes(200)
    const days = lostTimes(800)
    const { length } = hours.job.attempts
    expect(length).toBeLessThan(2 * MAX_ATTEMPTS_KEPT)
    expect(Math.abs(days.job.attempts.length - length)).toBeLessThan(5)
    const [counted, ...others] = days.job.attempts
    expect(counted).toMatchObject({ attempt: 1 })
    expect(others.every(({ ttlEndsAt }) => ttlEndsAt > days.now - 10 * MINUTE)).toBe(true)
  })
})

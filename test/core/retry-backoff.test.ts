import { describe, expect, test } from 'vitest'
import { backoffMs } from '../../actors/export-job/core/policy.ts'
import {
  aFailure,
  cancelAnswered,
  dispatched,
  dispatchRefused,
  failed,
  HOUR,
  outputAbsent,
  placeGranted,
  progressed,
  ref,
  SECOND,
  T0,
} from '../support/node/builders.ts'
import {
  acknowledged,
  aDispatchingJob,
  aRunningJob,
  aSecondAttempt,
  aWaitingJob,
} from '../support/node/stages.ts'

describe('After a retryable failure', () => {
  test('the next attempt waits for its backoff, and the failure is shown', () => {
    const story = aRunningJob().when(failed(), T0 + 20 * SECOND)
    const pause = backoffMs('job-1:1:1', 0)
    story
      .then({ status: 'pending', step: 'waiting', log: ['attempt_failed'], durable: true })
      .then({ phase: { nextAttemptAt: T0 + 20 * SECOND + pause, failure: aFailure(), exhausted: false } })
    const next = new Date(T0 + 20 * SECOND + pause).toISOString()
    expect(story.logged('attempt_failed').data).toMatchObject({ next_attempt_at: next })
  })

  test('the wait grows with the number of the attempt', () => {
    const story = aSecondAttempt()
    const failedAgain = story.when(failed({ ref: ref(2) }))
    const pause = backoffMs('job-1:1:2', 1)
    failedAgain.then({ phase: { nextAttemptAt: story.now + pause } })
  })

  test('what RunPod asked for wins over the backoff', () => {
    aDispatchingJob()
      .when(dispatchRefused(ref(), aFailure(), HOUR), T0 + SECOND)
      .then({ phase: { nextAttemptAt: T0 + SECOND + HOUR } })
  })

  test('a new attempt resets the progress openly', () => {
    aWaitingJob()
      .wakes()
      .when(outputAbsent())
      .dispatches()
      .then({ effects: ['dispatch'], log: ['attempt_started'] })
      .then({
        attempt: { attempt: 2, outputKey: 'output/job-1/1-2.mp4' },
        progress: { percent: 0, stage: null },
      })
  })

  test('nothing runs twice at once: a cancel that a crash may have lost goes out before another attempt is paid for', () => {
    // The try is stored with the failure, before the call is made.
    const timedOut = aRunningJob().wakes(T0 + 31 * 60 * SECOND)
    timedOut.then({ step: 'waiting', effects: ['cancelRemote'] })
    expect(timedOut.attempt(1).cancel?.tries).toBe(1)
    const again = timedOut.wakes(timedOut.now + SECOND)
    expect(again.last?.effects.map(({ type }) => type)).toContain('cancelRemote')
    const unconfirmed = again.when(cancelAnswered('unconfirmed'))
    unconfirmed.then({ log: ['cancel_unconfirmed'] })
    acknowledged(unconfirmed)
      .wakes()
      .then({ effects: ['look'] })
  })

  test('the last attempt is followed by one more look, then the error', () => {
    aWaitingJob({ policy: { maxAttempts: 1 } })
      .then({ phase: { exhausted: true, look: 'owed', nextAttemptAt: T0 + 20 * SECOND } })
      .wakes()
      .then({ effects: ['look'] })
      .when(outputAbsent())
      .then({ status: 'pending', phase: { look: 'done' } })
      .wakes()
      .then({ status: 'error', log: ['error'], phase: { failure: { code: 'worker_error' } }, attempts: 1 })
  })

  test('max_attempts bounds the attempts of a round', () => {
    let story = aDispatchingJob({ policy: { maxAttempts: 4 } })
    for (let attempt = 1; attempt <= 4; attempt++) {
      story = story
        .then({ attempts: attempt })
        .when(dispatched(ref(attempt), `rp-${attempt}`))
        .when(failed({ ref: ref(attempt) }))
        .wakes()
        .when(outputAbsent(ref(attempt)))
        .wakes()
      if (attempt < 4) story = story.when(placeGranted(ref(attempt + 1))).wakes()
    }
    story.then({ status: 'error', attempts: 4 })
  })

  test('a failure that must not be retried ends the job at once, whatever attempts are left', () => {
    aRunningJob()
      .when(failed({ failure: aFailure({ code: 'invalid_media', retryable: false }) }))
      .then({
        status: 'error',
        log: ['attempt_failed', 'error'],
        phase: { failure: { code: 'invalid_media' } },
      })
  })

  test('a failed worker is not told to stop again: its handler returns by itself', () => {
    aWaitingJob().then({ attempt: { remote: 'ended', cancel: null } })
  })

  test('the second attempt runs like the first', () => {
    aSecondAttempt()
      .then({ status: 'processing', attempt: { attempt: 2, remote: 'live' } })
      .when(progressed(50, { ref: ref(2) }))
      .then({ progress: { percent: 50 }, reply: { ok: true, cancel: false } })
      .when(dispatched(ref(1), 'rp-x'))
      .then({ status: 'processing', unchanged: true })
  })
})

import { describe, expect, test } from 'vitest'
import {
  completed,
  DAY,
  failed,
  lookFailed,
  observed,
  outputAbsent,
  outputKey,
  outputSeen,
  ref,
  SECOND,
  T0,
} from '../support/node/builders.ts'
import { aRunningJob, aSecondAttempt, aWaitingJob } from '../support/node/stages.ts'

describe('Before another attempt is paid for', () => {
  test('the output of the last one is looked for', () => {
    const story = aWaitingJob().wakes()
    expect(story.last?.effects).toEqual([{ type: 'look', ref: ref(), outputKey: outputKey() }])
    story.then({ durable: false, attempts: 1 })
  })

  test('a finished file whose callback was lost completes the job', () => {
    aWaitingJob()
      .wakes()
      .when(outputSeen())
      .then({ status: 'complete', log: ['output_found', 'complete'], phase: { winner: ref() }, attempts: 1 })
      .then({ attempt: { failure: null } })
  })

  test('a finished file of the last attempt completes the job too', () => {
    aWaitingJob({ policy: { maxAttempts: 1 } })
      .wakes()
      .when(outputSeen())
      .then({ status: 'complete' })
  })

  test('nothing is paid for while R2 does not answer', () => {
    let story = aWaitingJob()
    for (let tries = 1; tries <= 10; tries++) {
      story = story
        .wakes()
        .then({ effects: ['look'] })
        .when(lookFailed())
        .then({ phase: { lookTries: tries } })
      expect(story.dueAt()).toBeGreaterThan(story.now)
    }
    story.then({ attempts: 1, step: 'waiting' })
  })

  test('R2 not answering for ever ends at the deadline', () => {
    let story = aWaitingJob()
    while (story.job.phase.status === 'pending') story = story.wakes().when(lookFailed())
    expect(story.now).toBe(T0 + DAY)
    story.then({ status: 'error', phase: { failure: { code: 'deadline_exceeded' } } })
  })

  test('a completion said during the pause is believed as before: R2 decides', () => {
    aWaitingJob()
      .when(completed())
      .then({ step: 'verifying', attempt: { endedAt: null, failure: null } })
    aWaitingJob()
      .when(observed('completed', { source: 'webhook' }))
      .then({ step: 'verifying' })
  })

  test('a completion said during the look is not overruled by the look that missed it', () => {
    aWaitingJob()
      .wakes()
      .when(completed())
      .when(outputAbsent())
      .then({ step: 'verifying', phase: { misses: 1 } })
      .wakes()
      .when(outputSeen())
      .then({ status: 'complete' })
  })

  test('a completion of an attempt before the last is too late', () => {
    aSecondAttempt()
      .when(completed())
      .then({ step: 'running', log: ['late_report'], reply: { cancel: true } })
  })

  test('an answer about an attempt that is not waited for changes nothing', () => {
    aSecondAttempt().when(outputSeen()).then({ unchanged: true })
    aRunningJob().when(outputSeen()).then({ unchanged: true })
    aWaitingJob().wakes().when(outputAbsent()).when(outputSeen()).then({ unchanged: true })
  })

  test('a failure that must not be retried ends without a look: the worker itself said that there is no file', () => {
    aRunningJob()
      .when(
        failed({ failure: { code: 'invalid_media', message: 'No.', retryable: false } }),
        T0 + 12 * SECOND,
      )
      .then({ status: 'error' })
  })
})

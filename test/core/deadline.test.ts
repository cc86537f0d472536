import { describe, expect, test } from 'vitest'
import {
  CANCEL,
  cancelAnswered,
  DAY,
  HOUR,
  MINUTE,
  RETRY,
  RUNPOD_ID,
  ref,
  SECOND,
  T0,
} from '../support/node/builders.ts'
import {
  aCancellingJob,
  aCompleteJob,
  acknowledged,
  aDispatchingJob,
  aFailedJob,
  anAcceptedJob,
  anAmbiguousJob,
  aQueuedJob,
  aRunningJob,
  aVerifyingJob,
  aWaitingJob,
} from '../support/node/stages.ts'

describe('The deadline', () => {
  test.each([
    ['waiting', aWaitingJob],
    ['dispatching', aDispatchingJob],
    ['ambiguous', anAmbiguousJob],
    ['queued', aQueuedJob],
    ['running', aRunningJob],
    ['verifying', aVerifyingJob],
    ['accepted', anAcceptedJob],
  ] as const)('ends a job that is %s', (_, stage) => {
    stage()
      .wakes(T0 + DAY)
      .then({
        status: 'error',
        phase: { failure: { code: 'deadline_exceeded', retryable: true } },
        durable: true,
      })
  })

  test('has what runs at RunPod stopped in the same wake', () => {
    const story = aRunningJob({ policy: { deadlineMs: MINUTE } }).wakes(T0 + MINUTE)
    expect(story.effect('cancelRemote')).toMatchObject({ ref: ref(), runpodJobId: RUNPOD_ID })
  })

  test('ends a job that is being cancelled as cancelled, unconfirmed', () => {
    const cancelling = acknowledged(aCancellingJob({ policy: { deadlineMs: 5 * MINUTE } }))
    cancelling.wakes(T0 + 5 * MINUTE).then({ status: 'cancelled', phase: { confirmed: false } })
  })

  test('counts from the start of the round', () => {
    const ended = aFailedJob()
    const retried = ended.when(RETRY, ended.now + 23 * HOUR).dispatches(ended.now + 24 * HOUR)
    retried.then({ status: 'pending', effects: ['dispatch'] })
  })

  test('comes no earlier than it is due', () => {
    const waiting = acknowledged(aQueuedJob({ policy: { queueTimeoutMs: 2 * DAY } }))
    waiting.wakes(T0 + DAY - 1).then({ status: 'queued' })
    waiting.wakes(T0 + DAY).then({ status: 'error' })
  })

  test('does not touch an ended job', () => {
    aCompleteJob()
      .wakes(T0 + DAY)
      .then({ unchanged: true })
    const cancelled = aCancellingJob()
      .wakes()
      .when(cancelAnswered('ended'), T0 + 30 * SECOND)
    cancelled.wakes(T0 + DAY).then({ status: 'cancelled' })
  })

  test('is kept even by a job that is cancelled again and again', () => {
    const cancelling = aCancellingJob({ policy: { deadlineMs: MINUTE } })
    cancelling
      .when(CANCEL, T0 + 50 * SECOND)
      .wakes(T0 + MINUTE)
      .then({ status: 'cancelled' })
  })
})

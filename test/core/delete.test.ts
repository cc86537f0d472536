import { describe, expect, test } from 'vitest'
import {
  CANCEL,
  cancelAnswered,
  DELETE,
  MINUTE,
  progressed,
  RETRY,
  RUNPOD_ID,
  ref,
  SECOND,
  T0,
} from '../support/node/builders.ts'
import { given } from '../support/node/given.ts'
import {
  aCancelledJob,
  aCompleteJob,
  acknowledged,
  aFailedJob,
  anAcceptedJob,
  aSecondAttempt,
} from '../support/node/stages.ts'

const LAST_URL = T0 + 15 * SECOND + 102 * MINUTE

describe('Deleting an ended job', () => {
  test.each([
    ['complete', aCompleteJob],
    ['failed', aFailedJob],
    ['cancelled', aCancelledJob],
  ] as const)('that is %s erases it at once, and again when the last upload URL has expired', (_, stage) => {
    const story = stage()
      .when(DELETE)
      .then({ status: 'deleting', log: ['deleting'], reply: { ok: true } })
    const erased = story
      .wakes()
      .then({ effects: ['erase'] })
      .when({ type: 'debtPaid', debt: 'erase' })
    erased
      .then({ status: 'deleting', wakeAt: LAST_URL, phase: { tries: 0 } })
      .wakes()
      .then({ effects: ['erase'] })
      .when({ type: 'debtPaid', debt: 'erase' })
      .then({ status: 'gone', wakeAt: null })
  })

  test('without any attempt is over as soon as it was erased', () => {
    anAcceptedJob()
      .when(CANCEL)
      .when(DELETE)
      .wakes()
      .when({ type: 'debtPaid', debt: 'erase' })
      .then({ status: 'gone' })
  })

  test('writes no row any more', () => {
    const story = aFailedJob().when({ type: 'rowOverdue' }).when(DELETE)
    story.then({ outbox: { mirror: null, sweep: null, archive: null } })
    story.when({ type: 'rowOverdue' }).then({ outbox: { mirror: null } })
    story.when({ type: 'debtPaid', debt: 'mirror', version: story.job.version }).then({ unchanged: true })
  })

  test('is tried again with a growing pause while R2 or D1 does not answer', () => {
    let story = aFailedJob().when(DELETE)
    for (let tries = 1; tries <= 5; tries++) {
      story = story
        .wakes()
        .then({ effects: ['erase'] })
        .when({ type: 'debtFailed', debt: 'erase' })
      story.then({ status: 'deleting', phase: { tries }, durable: true })
      expect(story.dueAt()).toBeGreaterThan(story.now)
    }
  })

  test('still stops what runs at RunPod', () => {
    const old = aSecondAttempt().when(CANCEL)
    const cancelled = acknowledged(old).when(cancelAnswered('ended', ref(2)))
    const orphan = cancelled.job.attempts.map((attempt) =>
      attempt.attempt === 1
        ? {
            ...attempt,
            remote: 'live' as const,
            cancel: { askedAt: T0, dueAt: T0, tries: 0, confirmedAt: null },
          }
        : attempt,
    )
    const story = given({ ...cancelled.job, attempts: orphan }, cancelled.now)
      .when(DELETE)
      .wakes()
    expect(story.last?.effects.map((effect) => effect.type)).toEqual(['erase', 'cancelRemote'])
    expect(story.effect('cancelRemote').runpodJobId).toBe(RUNPOD_ID)
  })

  test('may be said twice, and is not undone by a retry or a cancel', () => {
    const story = aFailedJob().when(DELETE)
    story.when(DELETE).then({ unchanged: true, reply: { ok: true } })
    story.when(RETRY).then({ unchanged: true, reply: { ok: false, code: 'job_deleting' } })
    story.when(CANCEL).then({ unchanged: true, reply: { ok: false, code: 'job_deleting' } })
  })

  test('tells a worker that still reports to stop', () => {
    aFailedJob()
      .when(DELETE)
      .when(progressed(9))
      .then({ status: 'deleting', reply: { ok: true, cancel: true } })
  })

  test('wins over a retirement that is under way', () => {
    const expired = acknowledged(aCompleteJob())
      .wakes()
      .then({ effects: ['archive'] })
    expired
      .when(DELETE)
      .when({ type: 'debtPaid', debt: 'archive' })
      .then({ status: 'deleting', unchanged: true })
  })
})

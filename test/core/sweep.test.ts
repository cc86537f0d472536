import { describe, expect, test } from 'vitest'
import {
  CANCEL,
  completed,
  MINUTE,
  outputSeen,
  progressed,
  RETRY,
  ref,
  SECOND,
  T0,
} from '../support/node/builders.ts'
import {
  aCancelledJob,
  aCompleteJob,
  acknowledged,
  aFailedJob,
  anAcceptedJob,
  aSecondAttempt,
} from '../support/node/stages.ts'

const LAST_URL = T0 + 15 * SECOND + 102 * MINUTE

describe('Stale files', () => {
  test.each([
    ['an error', aFailedJob],
    ['a cancel', aCancelledJob],
  ] as const)('are removed at once after %s, all of them', (_, stage) => {
    const story = stage().wakes()
    expect(story.last?.effects).toEqual([{ type: 'sweepOutputs', keep: [] }])
  })

  test('are what is neither the winner nor its poster, whether or not that was seen', () => {
    const story = aSecondAttempt()
      .when(progressed(1, { ref: ref(2) }))
      .when(completed({ ref: ref(2) }))
    const complete = acknowledged(
      story
        .wakes()
        .when(outputSeen(ref(2)))
        .then({ status: 'complete' }),
    )
    const keep = ['output/job-1/1-2.mp4', 'output/job-1/1-2.jpg']
    expect(complete.wakes().last?.effects).toContainEqual({ type: 'sweepOutputs', keep })
  })

  test('are looked for once more when the last upload URL has expired, then no more', () => {
    aFailedJob()
      .wakes()
      .when({ type: 'debtPaid', debt: 'staleFiles' })
      .then({ outbox: { sweep: { dueAt: LAST_URL, tries: 0, last: true } }, wakeAt: LAST_URL })
      .wakes()
      .then({ effects: ['sweepOutputs'] })
      .when({ type: 'debtPaid', debt: 'staleFiles' })
      .then({ outbox: { sweep: null } })
  })

  test('are not looked for when only the winner can have written any', () => {
    aCompleteJob().then({ outbox: { sweep: null } })
    anAcceptedJob()
      .when(CANCEL)
      .then({ outbox: { sweep: null } })
  })

  test('are tried again with a growing pause that outlives a sleep of the actor', () => {
    let story = aCancelledJob()
    for (let tries = 1; tries <= 5; tries++) {
      story = story
        .wakes()
        .then({ effects: ['sweepOutputs'] })
        .when({ type: 'debtFailed', debt: 'staleFiles' })
      story.then({ durable: true, outbox: { sweep: { tries, last: false } } })
      expect(story.dueAt()).toBeGreaterThan(story.now)
    }
  })

  test('are left alone as soon as a new round begins, whatever the sweep then answers', () => {
    const sweeping = aFailedJob()
      .wakes()
      .then({ effects: ['sweepOutputs'] })
    const retried = sweeping.when(RETRY)
    retried.when({ type: 'debtPaid', debt: 'staleFiles' }).then({ unchanged: true })
    retried.when({ type: 'debtFailed', debt: 'staleFiles' }).then({ unchanged: true })
    acknowledged(retried)
      .dispatches()
      .then({ effects: ['dispatch'] })
  })
})

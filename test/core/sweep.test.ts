import { describe, expect, test } from 'vitest'
import { CANCEL, MINUTE, RETRY, SECOND, T0 } from '../support/node/builders.ts'
import {
  aCancelledJob,
  aCompleteJob,
  acknowledged,
  aFailedJob,
  anAcceptedJob,
} from '../support/node/stages.ts'

const LAST_URL = T0 + 15 * SECOND + 102 * MINUTE

describe('Stale files', () => {
  test.each([
    ['an error', aFailedJob],
    ['a cancel', aCancelledJob],
  ] as const)('are removed at once after %s, all of them', (_, stage) => {
    const story = stage().wakes()
    expect(story.last?.effects).toEqual([{ type: 'sweepOutputs', keep: null }])
  })

  test('are looked for once more when the last upload URL has expired, then no more', () => {
    aFailedJob()
      .wakes()
      .when({ type: 'swept' })
      .then({ outbox: { sweep: { dueAt: LAST_URL, tries: 0, last: true } }, wakeAt: LAST_URL })
      .wakes()
      .then({ effects: ['sweepOutputs'] })
      .when({ type: 'swept' })
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
        .when({ type: 'sweepFailed' })
      story.then({ durable: true, outbox: { sweep: { tries, last: false } } })
      expect(story.dueAt()).toBeGreaterThan(story.now)
    }
  })

  test('are left alone as soon as a new round begins, whatever the sweep then answers', () => {
    const sweeping = aFailedJob()
      .wakes()
      .then({ effects: ['sweepOutputs'] })
    const retried = sweeping.when(RETRY)
    retried.when({ type: 'swept' }).then({ unchanged: true })
    retried.when({ type: 'sweepFailed' }).then({ unchanged: true })
    acknowledged(retried)
      .wakes()
      .then({ effects: ['dispatch'] })
  })
})

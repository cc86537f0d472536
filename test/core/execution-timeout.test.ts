import { describe, expect, test } from 'vitest'
import {
  cancelAnswered,
  ENDPOINT,
  MINUTE,
  observed,
  outputKey,
  outputSeen,
  progressed,
  RUNPOD_ID,
  ref,
  SECOND,
  T0,
} from '../support/node/builders.ts'
import type { Story } from '../support/node/given.ts'
import { aRunningJob } from '../support/node/stages.ts'

const STARTED = T0 + 10 * SECOND

function reporting(story: Story, until: number): Story {
  let reported = story
  for (let at = story.now + 50 * SECOND; at < until; at += 50 * SECOND)
    reported = reported.when(progressed(50), at)
  return reported
}

describe('The execution timeout', () => {
  test('counts from the first report and is not moved by later ones', () => {
    const story = reporting(aRunningJob(), STARTED + 30 * MINUTE)
    story.then({ wakeAt: STARTED + 30 * MINUTE, phase: { timeoutAt: STARTED + 30 * MINUTE } })
  })

  test('gives the attempt up, tells RunPod to stop it in the same wake, and tries again', () => {
    const story = reporting(aRunningJob(), STARTED + 30 * MINUTE).wakes()
    story.then({
      step: 'waiting',
      phase: { failure: { code: 'execution_timeout', retryable: true } },
      durable: true,
    })
    expect(story.last?.effects).toEqual([
      { type: 'cancelRemote', ref: ref(), endpoint: ENDPOINT, runpodJobId: RUNPOD_ID },
    ])
    expect(story.attempt(1).cancel).toMatchObject({ askedAt: story.now, tries: 1 })
  })

  test('does not throw away a file that was finished in the last moment', () => {
    const story = reporting(aRunningJob(), STARTED + 30 * MINUTE)
      .wakes()
      .when(cancelAnswered('ended'))
    const looking = story.wakes(story.now + 10 * SECOND)
    expect(looking.effect('look').outputKey).toBe(outputKey())
    looking.when(outputSeen()).then({ status: 'complete', log: ['output_found', 'complete'] })
  })

  test('starts anew with each attempt', () => {
    aRunningJob().then({ phase: { timeoutAt: STARTED + 30 * MINUTE } })
  })

  test('is found also by RunPod, which says FAILED with its own words', () => {
    aRunningJob()
      .when(observed('failed', { error: 'executionTimeout exceeded', source: 'webhook' }))
      .then({ step: 'waiting', phase: { failure: { code: 'execution_timeout' } } })
  })
})

import { describe, expect, test } from 'vitest'
import {
  cancelAnswered,
  MINUTE,
  observed,
  outputAbsent,
  outputSeen,
  placeGranted,
  progressed,
  ref,
  SECOND,
  T0,
} from '../support/node/builders.ts'
import { given, type Story } from '../support/node/given.ts'
import { aCancellingJob, acknowledged, aRunningJob, aSecondAttempt } from '../support/node/stages.ts'

const TTL = T0 + 15 * SECOND + 101 * MINUTE

/** Attempt 1 exceeded its execution timeout, and RunPod has not confirmed that it stopped. */
function anUnconfirmedStop(): Story {
  return aRunningJob()
    .wakes(T0 + 31 * MINUTE)
    .when(cancelAnswered('unconfirmed'))
}

describe('A cancel that RunPod owes an answer to', () => {
  test('does not hold up the next attempt once it was sent', () => {
    let story = acknowledged(anUnconfirmedStop())
    for (let i = 0; i < 10 && story.job.attempts.length === 1; i++) {
      story = story
        .wakes()
        .when(outputAbsent())
        .when(placeGranted(ref(2)))
        .when(cancelAnswered('unconfirmed'))
    }
    story.then({ attempts: 2, step: 'dispatching' })
    expect(story.attempt(1)).toMatchObject({ remote: 'live', cancel: { confirmedAt: null } })
  })

  test('is sent again beside whatever else is due', () => {
    const story = anUnconfirmedStop()
    const again = story.wakes(story.now + 10 * MINUTE)
    expect(again.last?.effects.map((effect) => effect.type)).toEqual(['look', 'cancelRemote', 'mirror'])
  })

  test('is settled by the first final word, from wherever it comes', () => {
    anUnconfirmedStop()
      .when(observed('failed', { source: 'webhook' }))
      .then({ attempt: { remote: 'ended' } })
    anUnconfirmedStop()
      .when(cancelAnswered('missing'))
      .then({ attempt: { remote: 'ended' } })
    const ended = anUnconfirmedStop().when(cancelAnswered('ended'))
    expect(ended.attempt(1).cancel?.confirmedAt).toBe(ended.now)
  })

  test('is owed until the ttl, at which RunPod deletes the job itself', () => {
    let story = acknowledged(aCancellingJob())
    let sent = 0
    while (story.attempt(1).remote === 'live') {
      story = story.wakes()
      if (story.last?.effects.some((effect) => effect.type === 'cancelRemote')) sent++
      story = acknowledged(story.when(cancelAnswered('unconfirmed')))
    }
    expect(story.now).toBe(TTL)
    expect(sent).toBeGreaterThan(20)
    expect(sent).toBeLessThan(120)
    story.then({ status: 'cancelled', phase: { confirmed: true } })
  })

  test('does not keep a job from completing', () => {
    const story = anUnconfirmedStop().wakes(T0 + 40 * MINUTE)
    story.when(outputSeen()).then({ status: 'complete', attempt: { remote: 'live' } })
  })

  test('is not sent without an id, and goes out as soon as one is known', () => {
    const second = aSecondAttempt()
    const orphan = second.job.attempts.map((attempt) =>
      attempt.attempt === 1 ? { ...attempt, runpodJobId: null, remote: 'unknown' as const } : attempt,
    )
    const story = given({ ...second.job, attempts: orphan }, second.now)
    const seen = story.when(progressed(3, { ref: ref(1), runpodJobId: 'rp-late' })).wakes()
    expect(seen.effect('cancelRemote')).toMatchObject({ ref: ref(1), runpodJobId: 'rp-late' })
    seen.then({ status: 'processing' })
  })
})

import { describe, expect, test } from 'vitest'
import {
  anObject,
  cancelAnswered,
  completed,
  DAY,
  failed,
  lookFailed,
  observed,
  outputAbsent,
  outputKey,
  outputSeen,
  progressed,
  ref,
  SECOND,
  T0,
} from '../support/node/builders.ts'
import {
  acknowledged,
  aQueuedJob,
  aRunningJob,
  aSecondAttempt,
  aVerifyingJob,
} from '../support/node/stages.ts'

const CLAIMED = T0 + 20 * SECOND

describe('A completion that was reported', () => {
  test('is not believed before R2 shows the file', () => {
    aRunningJob()
      .when(completed({ outputKey: outputKey() }), CLAIMED)
      .then({ status: 'processing', step: 'verifying', log: ['verifying'], progress: { stage: 'storing' } })
      .then({ reply: { ok: true, cancel: false }, wakeAt: CLAIMED })
  })

  test('is looked into at once', () => {
    const story = aVerifyingJob().wakes()
    expect(story.last?.effects).toEqual([{ type: 'look', ref: ref(), outputKey: outputKey() }])
  })

  test('completes the job with the size that was seen', () => {
    aVerifyingJob()
      .wakes()
      .when(outputSeen())
      .then({ status: 'complete', phase: { output: anObject(), winner: ref(), endedAt: CLAIMED } })
      .then({ log: ['complete'], progress: { percent: 100, etaMs: 0 }, attempt: { failure: null } })
      .then({ outbox: { sweep: null, mirror: { dueAt: CLAIMED, tries: 0 } } })
  })

  test('says what the result lacks: in the log, and as the message of the job, also of the complete one', () => {
    const message = 'The sound could not be decoded.'
    const claimed = aRunningJob().when(completed({ message }), CLAIMED).then({ progress: { message } })
    expect(claimed.last?.log).toEqual([
      { type: 'verifying', ref: ref(), data: { source: 'report', message } },
    ])
    claimed.wakes().when(outputSeen()).then({ status: 'complete', progress: { message } })
  })

  test('leaves no message behind that was about the rendering', () => {
    const rendering = aRunningJob().when(progressed(40, { message: 'Frame 10' }))
    rendering
      .when(completed())
      .wakes()
      .when(outputSeen())
      .then({ progress: { message: null } })
  })

  test('is looked into three times, then the attempt failed', () => {
    let story = aVerifyingJob()
    for (const misses of [1, 2]) {
      story = story.wakes().when(outputAbsent()).then({ step: 'verifying', phase: { misses } })
    }
    story
      .wakes()
      .when(outputAbsent())
      .then({
        step: 'waiting',
        phase: { failure: { code: 'output_missing', retryable: true }, look: 'owed' },
      })
  })

  test('that was slow to arrive is found before another attempt is paid for', () => {
    let story = aVerifyingJob()
    for (let look = 0; look < 3; look++) story = story.wakes().when(outputAbsent())
    story = acknowledged(story.wakes().when(cancelAnswered('ended')))
    const looks = () => story.last?.effects.some((effect) => effect.type === 'look')
    for (let wakes = 0; wakes < 10 && !looks(); wakes++) story = story.wakes()
    story.when(outputSeen()).then({ status: 'complete', log: ['output_found', 'complete'], attempts: 1 })
  })

  test('that was missing on the last attempt ends the job without another look', () => {
    let story = aVerifyingJob({ policy: { maxAttempts: 1 } })
    for (let look = 0; look < 3; look++) story = story.wakes().when(outputAbsent())
    story.then({ status: 'error', phase: { failure: { code: 'output_missing' } } })
  })

  test('is not missing while R2 does not answer: it is looked for until the deadline', () => {
    let story = aVerifyingJob()
    for (let failures = 1; failures <= 12; failures++) {
      story = story
        .wakes()
        .when(lookFailed())
        .then({ phase: { misses: 0, lookFailures: failures } })
      expect(story.dueAt()).toBeGreaterThan(story.now)
    }
    expect(story.now).toBeLessThan(T0 + DAY)
    story.wakes().when(outputSeen()).then({ status: 'complete' })
  })

  test('may be said by the worker, by RunPod, or by both', () => {
    aRunningJob()
      .when(observed('completed', { source: 'webhook' }))
      .then({ step: 'verifying' })
    aQueuedJob().when(completed()).then({ step: 'verifying' })
    aVerifyingJob()
      .when(completed())
      .then({ unchanged: true, reply: { ok: true, cancel: false } })
  })

  test('is not overruled by what RunPod says of its job afterwards: R2 decides', () => {
    for (const state of ['failed', 'gone', 'timed_out', 'cancelled'] as const) {
      aVerifyingJob()
        .when(observed(state), T0 + 120 * SECOND)
        .then({ step: 'verifying', attempt: { remote: 'ended' } })
    }
  })

  test('is not overruled by an error report that comes after it: R2 decides', () => {
    aVerifyingJob()
      .when(failed({ failure: { code: 'invalid_media', message: 'No.', retryable: false } }))
      .then({ step: 'verifying', attempt: { remote: 'ended' } })
      .wakes()
      .when(outputSeen())
      .then({ status: 'complete' })
  })

  test('is not taken back by progress that comes late', () => {
    aVerifyingJob()
      .when(progressed(40))
      .then({ unchanged: true, reply: { ok: true, cancel: false } })
  })

  test('with another key than the attempt’s own is refused', () => {
    aRunningJob()
      .when(completed({ outputKey: 'output/job-1/9-9.mp4' }))
      .then({ unchanged: true, reply: { ok: false, code: 'output_key_mismatch' } })
  })

  test('of the second attempt is looked for under its own key', () => {
    const story = aSecondAttempt()
      .when(completed({ ref: ref(2) }))
      .wakes()
    expect(story.effect('look').outputKey).toBe(outputKey(ref(2)))
    story.when(outputSeen()).then({ status: 'processing' })
    story.when(outputSeen(ref(2))).then({ status: 'complete', outbox: { sweep: { last: false } } })
  })

  test('is shown as a whole even if the seen file is all there ever was of it', () => {
    aQueuedJob()
      .when(completed())
      .wakes()
      .when(outputSeen())
      .then({ status: 'complete', progress: { percent: 100 } })
  })
})

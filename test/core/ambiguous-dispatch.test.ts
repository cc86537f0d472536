import { describe, expect, test } from 'vitest'
import {
  CANCEL,
  cancelAnswered,
  completed,
  dispatchAmbiguous,
  dispatched,
  outputAbsent,
  progressed,
  RUNPOD_ID,
  SECOND,
  T0,
} from '../support/node/builders.ts'
import { acknowledged, aDispatchingJob, aLostJob, anAmbiguousJob } from '../support/node/stages.ts'

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
      .then({ step: 'waiting', attempt: { failure: { code: 'dispatch_lost' } } })
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

import { describe, expect, test } from 'vitest'
import {
  CANCEL,
  cancelAnswered,
  completed,
  DELETE,
  dispatchAmbiguous,
  dispatched,
  dispatchRefused,
  ENDPOINT,
  MINUTE,
  observed,
  outputSeen,
  progressed,
  RUNPOD_ID,
  ref,
  SECOND,
  T0,
} from '../support/node/builders.ts'
import {
  aCancellingJob,
  acknowledged,
  aDispatchingJob,
  anAcceptedJob,
  anAmbiguousJob,
  aQueuedJob,
  aRunningJob,
  aVerifyingJob,
  aWaitingJob,
} from '../support/node/stages.ts'

const ASKED = T0 + 20 * SECOND

describe('A cancel', () => {
  test('ends a job that was never sent at once', () => {
    anAcceptedJob()
      .when(CANCEL)
      .then({ status: 'cancelled', phase: { confirmed: true }, log: ['cancel_requested', 'cancelled'] })
  })

  test('of a job that runs is cancelling until RunPod has confirmed', () => {
    const story = aCancellingJob()
    story
      .then({ status: 'cancelling', log: ['cancel_requested'], wakeAt: ASKED })
      .then({ phase: { askedAt: ASKED } })
    const told = story.wakes()
    expect(told.last?.effects).toEqual([
      { type: 'cancelRemote', ref: ref(), endpoint: ENDPOINT, runpodJobId: RUNPOD_ID },
    ])
    told
      .when(cancelAnswered('ended'), ASKED + SECOND)
      .then({ status: 'cancelled', phase: { confirmed: true, askedAt: ASKED }, log: ['cancelled'] })
      .then({ attempt: { remote: 'ended', remoteEndedAt: ASKED + SECOND } })
  })

  test.each([
    ['queued', aQueuedJob],
    ['verifying', aVerifyingJob],
  ] as const)('of a job that is %s is the same', (_, stage) => {
    stage()
      .when(CANCEL)
      .then({ status: 'cancelling' })
      .wakes()
      .when(cancelAnswered('ended'))
      .then({ status: 'cancelled' })
  })

  test('of a job whose last attempt is known to have ended needs no confirmation', () => {
    aWaitingJob()
      .when(CANCEL)
      .then({ status: 'cancelled', phase: { confirmed: true } })
  })

  test('of a job in flight keeps the id that RunPod answers, and has it stopped', () => {
    const story = aDispatchingJob().when(CANCEL, T0 + 500)
    story
      .then({ status: 'cancelling' })
      .when(dispatched(), T0 + SECOND)
      .then({ status: 'cancelling', log: [] })
    const told = story.when(dispatched(), T0 + SECOND).wakes()
    expect(told.last?.effects).toEqual([
      { type: 'cancelRemote', ref: ref(), endpoint: ENDPOINT, runpodJobId: RUNPOD_ID },
    ])
    told.when(cancelAnswered('ended')).then({ status: 'cancelled', phase: { confirmed: true } })
  })

  test('of a job in flight that RunPod refuses is confirmed thereby', () => {
    aDispatchingJob()
      .when(CANCEL, T0 + 500)
      .when(dispatchRefused(), T0 + SECOND)
      .then({ status: 'cancelled', phase: { confirmed: true } })
  })

  test('of a job in flight whose answer is lost says so after ten minutes', () => {
    acknowledged(
      aDispatchingJob()
        .when(CANCEL, T0 + 500)
        .when(dispatchAmbiguous(), T0 + SECOND),
    )
      .wakes()
      .then({ status: 'cancelled', phase: { confirmed: false, endedAt: T0 + 500 + 10 * MINUTE } })
  })

  test('reaches an orphan as soon as it shows itself', () => {
    const orphan = anAmbiguousJob()
      .when(CANCEL, ASKED)
      .when(progressed(1, { runpodJobId: RUNPOD_ID }), ASKED + SECOND)
    orphan.then({ status: 'cancelling', reply: { ok: true, cancel: true } })
    expect(orphan.wakes().effect('cancelRemote').runpodJobId).toBe(RUNPOD_ID)
  })

  test('is confirmed by any final word of RunPod', () => {
    for (const state of ['cancelled', 'completed', 'failed', 'timed_out'] as const) {
      aCancellingJob()
        .when(observed(state, { source: 'webhook' }))
        .then({ status: 'cancelled', phase: { confirmed: true } })
    }
  })

  test('is not confirmed by a 404 that comes too soon after the dispatch', () => {
    aCancellingJob()
      .wakes()
      .when(cancelAnswered('missing'), T0 + 30 * SECOND)
      .then({ status: 'cancelling' })
    aCancellingJob()
      .wakes()
      .when(cancelAnswered('missing'), T0 + 62 * SECOND)
      .then({ status: 'cancelled' })
  })

  test('that RunPod does not confirm is told again with a growing pause, and logged once', () => {
    let story = acknowledged(aCancellingJob()).wakes().when(cancelAnswered('unconfirmed'))
    story.then({
      log: ['cancel_unconfirmed'],
      durable: true,
      attempt: { cancel: { askedAt: ASKED, dueAt: story.dueAt(), tries: 1, confirmedAt: null } },
    })
    for (let tries = 2; tries <= 5; tries++) {
      // The unconfirmed cancel changes the list once.
      story = acknowledged(story)
        .wakes()
        .then({ effects: ['cancelRemote'] })
        .when(cancelAnswered('unconfirmed'))
        .then({ log: [] })
      expect(story.attempt(1).cancel?.tries).toBe(tries)
    }
  })

  test('that is not confirmed within ten minutes says so, and stays owed', () => {
    let story = acknowledged(aCancellingJob())
    while (story.job.phase.status === 'cancelling') story = story.wakes().when(cancelAnswered('unconfirmed'))
    expect(story.now).toBe(ASKED + 10 * MINUTE)
    story.then({ status: 'cancelled', phase: { confirmed: false }, attempt: { remote: 'live' } })
  })

  test('that is confirmed late says so', () => {
    let story = acknowledged(aCancellingJob())
    while (story.job.phase.status === 'cancelling') story = story.wakes().when(cancelAnswered('unconfirmed'))
    const late = acknowledged(story).when(cancelAnswered('ended'))
    late.then({ status: 'cancelled', phase: { confirmed: true }, log: ['cancel_confirmed'] })
    late.then({ outbox: { mirror: { version: late.job.version } } })
  })

  test('may be said twice, and delete says the same of an active job', () => {
    aCancellingJob()
      .when(CANCEL)
      .then({ unchanged: true, reply: { ok: true } })
    aCancellingJob()
      .when(DELETE)
      .then({ unchanged: true, reply: { ok: true } })
    aRunningJob()
      .when(DELETE)
      .then({ status: 'cancelling', reply: { ok: true } })
  })

  test('wins over a completion that is reported afterwards', () => {
    aCancellingJob()
      .when(completed())
      .then({ status: 'cancelling', reply: { ok: true, cancel: true } })
    aVerifyingJob().wakes().when(CANCEL).when(outputSeen()).then({ status: 'cancelling' })
  })

  test('tells the worker to stop at its next report, without calling that late', () => {
    aCancellingJob()
      .when(progressed(50))
      .then({ unchanged: true, reply: { ok: true, cancel: true } })
  })
})

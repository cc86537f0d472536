import { describe, expect, test } from 'vitest'
import type { Job } from '../../actors/export-job/core/job.ts'
import { MAX_STRAYS } from '../../actors/export-job/core/policy.ts'
import { clocks } from '../../actors/export-job/core/schedule.ts'
import {
  CANCEL,
  cancelAnswered,
  completed,
  failed,
  HOUR,
  observed,
  progressed,
  RUNPOD_ID,
  ref,
  SECOND,
  someUsage,
  T0,
} from '../support/node/builders.ts'
import { acknowledged, aQueuedJob, aRunningJob, aVerifyingJob, aWaitingJob } from '../support/node/stages.ts'

const STRANGER = 'rp-of-nobody'

function clockNames(job: Job): string[] {
  return clocks(job).map(({ name }) => name)
}

describe('A second RunPod job under one attempt’s token', () => {
  test('is told to stop and moves nothing', () => {
    const before = aRunningJob()
    const story = before.when(progressed(90, { runpodJobId: STRANGER }), T0 + 30 * SECOND)
    story.then({ log: ['late_report'], reply: { ok: true, cancel: true }, progress: { percent: 5 } })
    expect(story.job.phase).toBe(before.job.phase)
    expect(story.attempt(1)).toMatchObject({ runpodJobId: RUNPOD_ID, late: { progress: 1 } })
  })

  test('is cancelled at RunPod, and the attempt’s own is not', () => {
    const story = aRunningJob().when(progressed(90, { runpodJobId: STRANGER }), T0 + 30 * SECOND)
    const told = story.wakes().then({ effects: ['cancelRemote'] })
    expect(told.effect('cancelRemote').runpodJobId).toBe(STRANGER)
    told
      .when(cancelAnswered('ended', ref(1), STRANGER))
      .then({ status: 'processing', attempt: { remote: 'live', cancel: null, remoteEndedAt: null } })
      .when(progressed(91, { runpodJobId: STRANGER }))
      .then({ log: [], durable: false, reply: { cancel: true } })
  })

  test('is told again until RunPod confirms it, at most until the ttl', () => {
    let story = acknowledged(aRunningJob().when(progressed(90, { runpodJobId: STRANGER })))
    for (let tries = 0; tries < 3; tries++) {
      story = story.wakes()
      expect(story.effect('cancelRemote').runpodJobId).toBe(STRANGER)
      story = acknowledged(story.when(cancelAnswered('unconfirmed', ref(1), STRANGER)))
    }
    expect(clockNames(story.job)).toContain('owed_cancel')
    const late = story.wakes(story.attempt(1).ttlEndsAt)
    expect(clockNames(late.job)).not.toContain('owed_cancel')
  })

  test('holds up the end of a cancel until RunPod confirms that both have stopped', () => {
    const cancelling = aRunningJob()
      .when(progressed(90, { runpodJobId: STRANGER }))
      .when(CANCEL)
      .wakes()
    expect(cancelling.last?.effects.filter(({ type }) => type === 'cancelRemote')).toHaveLength(2)
    cancelling
      .when(cancelAnswered('ended'))
      .then({ status: 'cancelling' })
      .when(cancelAnswered('ended', ref(1), STRANGER))
      .then({ status: 'cancelled', phase: { confirmed: true } })
  })

  test('is stopped before another attempt is paid for', () => {
    const waiting = aRunningJob()
      .when(failed())
      .when(progressed(90, { runpodJobId: STRANGER }))
    expect(waiting.wakes(waiting.now + HOUR / 2).last?.effects.map(({ type }) => type)).toEqual([
      'cancelRemote',
      'mirror',
    ])
  })

  test('is stopped before the next attempt also when the clock was set back meanwhile', () => {
    const waiting = aWaitingJob().when(progressed(90, { runpodJobId: STRANGER }), T0 + HOUR)
    waiting.wakes(T0 + HOUR - 10 * SECOND).then({ effects: ['cancelRemote'] })
  })

  test('is one of a few: a worker that makes up ids has no more cancelled', () => {
    let story = aRunningJob()
    for (let nth = 0; nth < 20; nth++) story = story.when(progressed(90, { runpodJobId: `rp-${nth}` }))
    expect(story.attempt(1).strays).toHaveLength(MAX_STRAYS)
    story.then({ reply: { cancel: true } })
  })

  test('cannot complete or fail the attempt', () => {
    aRunningJob()
      .when(completed({ runpodJobId: STRANGER }))
      .then({ step: 'running', reply: { cancel: true } })
    aRunningJob()
      .when(failed({ runpodJobId: STRANGER }))
      .then({ step: 'running', reply: { cancel: true } })
    aVerifyingJob()
      .when(failed({ runpodJobId: STRANGER }))
      .then({ step: 'verifying' })
  })

  test('is not taken for the attempt’s own when RunPod speaks of it', () => {
    aRunningJob()
      .when(observed('failed', { runpodJobId: STRANGER, source: 'webhook' }))
      .then({ unchanged: true })
    aQueuedJob()
      .when(observed('running', { runpodJobId: STRANGER, source: 'webhook' }))
      .then({ unchanged: true })
  })
})

describe('The attempt’s own RunPod job', () => {
  test('may report without saying its id', () => {
    aRunningJob()
      .when(progressed(30))
      .then({ progress: { percent: 30 }, reply: { ok: true, cancel: false } })
  })

  test('leaves RunPod’s figures with the attempt, whoever tells them', () => {
    const usage = someUsage()
    aRunningJob().when(observed('completed', { usage })).then({ attempt: { usage } })
    aVerifyingJob()
      .when(observed('completed', { usage, source: 'webhook' }))
      .then({ attempt: { usage } })
  })
})

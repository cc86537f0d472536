import { describe, expect, test } from 'vitest'
import {
  completed,
  failed,
  observed,
  progressed,
  RUNPOD_ID,
  SECOND,
  someUsage,
  T0,
} from '../support/node/builders.ts'
import { aQueuedJob, aRunningJob, aVerifyingJob } from '../support/node/stages.ts'

const STRANGER = 'rp-of-nobody'

describe('A second RunPod job under one attempt’s token', () => {
  test('is told to stop and moves nothing', () => {
    const before = aRunningJob()
    const story = before.when(progressed(90, { runpodJobId: STRANGER }), T0 + 30 * SECOND)
    story.then({ log: ['late_report'], reply: { ok: true, cancel: true }, progress: { percent: 5 } })
    expect(story.job.phase).toBe(before.job.phase)
    expect(story.attempt(1)).toMatchObject({ runpodJobId: RUNPOD_ID, late: { progress: 1 } })
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

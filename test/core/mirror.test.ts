import { describe, expect, test } from 'vitest'
import { dueAt, mirrorRowOf } from '../../actors/export-job/core/shown/mirror-row.ts'
import {
  aJob,
  DELETE,
  dispatched,
  mirrored,
  outputSeen,
  progressed,
  RUNPOD_ID,
  SECOND,
  T0,
} from '../support/node/builders.ts'
import { given } from '../support/node/given.ts'
import {
  aCompleteJob,
  acknowledged,
  aDispatchingJob,
  aFailedJob,
  anAcceptedJob,
  aQueuedJob,
  aRunningJob,
  aVerifyingJob,
  aWaitingJob,
} from '../support/node/stages.ts'

describe('The list', () => {
  test('hears of a new status fifteen seconds after the birth at the earliest', () => {
    const story = aQueuedJob()
    story.then({ outbox: { mirror: { version: story.job.version, dueAt: T0 + 15 * SECOND, tries: 0 } } })
    story.wakes(T0 + 15 * SECOND - 1).then({ unchanged: true })
    story.wakes(T0 + 15 * SECOND).then({ effects: ['mirror'], durable: false })
  })

  test('hears of several changes at once', () => {
    const story = aQueuedJob().when(progressed(5), T0 + 10 * SECOND)
    story.then({ outbox: { mirror: { version: story.job.version, dueAt: T0 + 15 * SECOND, tries: 0 } } })
  })

  test('hears of the next change fifteen seconds after the last write at the earliest', () => {
    const written = aQueuedJob().when(mirrored(3), T0 + 20 * SECOND)
    written.then({ outbox: { mirror: null, mirroredAt: T0 + 20 * SECOND } })
    written.when(progressed(5), T0 + 25 * SECOND).then({ outbox: { mirror: { dueAt: T0 + 35 * SECOND } } })
  })

  test('hears of an end at once', () => {
    const story = aVerifyingJob()
      .wakes()
      .when(outputSeen(), T0 + 21 * SECOND)
    story.then({ outbox: { mirror: { dueAt: T0 + 21 * SECOND, version: story.job.version } } })
  })

  test('is still owed what changed while the write was under way', () => {
    const writing = aQueuedJob().wakes(T0 + 15 * SECOND)
    const changed = writing.when(progressed(5), T0 + 15.1 * SECOND)
    changed.when(mirrored(writing.job.version)).then({ unchanged: true })
    changed.when(mirrored(changed.job.version)).then({ outbox: { mirror: null } })
  })

  test('is written again with a growing pause, and the pause outlives a sleep of the actor', () => {
    let story = aQueuedJob()
    for (let tries = 1; tries <= 5; tries++) {
      story = story.wakes(story.job.outbox.mirror?.dueAt).when({ type: 'debtFailed', debt: 'mirror' })
      story.then({ durable: true, outbox: { mirror: { tries } } })
      expect(story.job.outbox.mirror?.dueAt).toBeGreaterThan(story.now)
    }
  })

  test('is not told of progress, nor of what does not change the status', () => {
    aRunningJob()
      .when(progressed(50), T0 + 60 * SECOND)
      .then({ outbox: { mirror: null } })
    aDispatchingJob().then({ outbox: { mirror: null } })
  })

  test('is written again when it asks for it', () => {
    const story = aRunningJob().when({ type: 'rowOverdue' }, T0 + 100 * SECOND)
    story.then({
      durable: true,
      outbox: { mirror: { version: story.job.version, dueAt: T0 + 100 * SECOND } },
    })
  })

  test('shows a higher version after every commit that it hears of', () => {
    const before = mirrorRowOf(aQueuedJob().job)
    const after = mirrorRowOf(aRunningJob().job)
    expect(after?.version).toBeGreaterThan(before?.version ?? Number.POSITIVE_INFINITY)
  })
})

describe('The row of a job', () => {
  test('says what a list needs', () => {
    expect(mirrorRowOf(aRunningJob().job)).toMatchObject({
      status: 'processing',
      progress: 5,
      runpod_job_id: RUNPOD_ID,
      attempt: 1,
      round: 1,
      started_at: T0 + 10 * SECOND,
      finished_at: null,
      error: null,
    })
    const complete = mirrorRowOf(aCompleteJob().job)
    expect(complete).toMatchObject({
      output_video_key: 'output/job-1/1-1.mp4',
      finished_at: T0 + 21 * SECOND,
    })
    const failed = mirrorRowOf(aFailedJob().job)
    expect(failed).toMatchObject({ status: 'error', error_code: 'worker_error' })
    expect(JSON.parse(failed?.error ?? '')).toMatchObject({ code: 'worker_error', retryable: true })
  })

  test('is not written for a job that is being deleted', () => {
    expect(mirrorRowOf(aFailedJob().when(DELETE).job)).toBeNull()
  })

  test.each([
    ['accepted', anAcceptedJob().job, T0],
    ['dispatching', aDispatchingJob().job, T0 + 75 * SECOND],
    ['queued', aQueuedJob().job, T0 + 3_601 * SECOND],
    ['running', aRunningJob().job, T0 + 1_810 * SECOND],
    ['verifying', aVerifyingJob().job, T0 + 86_400 * SECOND],
    ['complete', aCompleteJob().job, T0 + 21 * SECOND + 7 * 86_400 * SECOND],
  ])('says by when a job that is %s must change again', (_, job, at) => {
    expect(dueAt(job)).toBe(at)
  })

  test('never says less than the alarm: a waiting job is due at its next attempt', () => {
    const story = aWaitingJob()
    expect(dueAt(story.job)).toBe(story.dueAt())
  })

  test('is not due because it is owed', () => {
    const job = acknowledged(aQueuedJob()).job
    expect(dueAt({ ...job, outbox: { ...job.outbox, mirror: { version: 9, dueAt: T0, tries: 0 } } })).toBe(
      dueAt(job),
    )
    given(aJob()).when(dispatched()).then({ unchanged: true })
  })
})

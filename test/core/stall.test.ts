import { describe, expect, test } from 'vitest'
import {
  completed,
  ENDPOINT,
  MINUTE,
  observed,
  pollFailed,
  progressed,
  RUNPOD_ID,
  ref,
  SECOND,
  T0,
} from '../support/node/builders.ts'
import { acknowledged, anAmbiguousJob, aRunningJob } from '../support/node/stages.ts'

const REPORTED = T0 + 10 * SECOND

describe('A job whose worker falls silent', () => {
  test('is asked about a minute after the last report', () => {
    const story = aRunningJob()
      .then({ wakeAt: REPORTED + MINUTE })
      .wakes()
    expect(story.last?.effects).toEqual([
      { type: 'poll', ref: ref(), endpoint: ENDPOINT, runpodJobId: RUNPOD_ID, withHealth: false },
    ])
    story.then({ durable: false, status: 'processing' })
  })

  test('is not asked about while reports come', () => {
    aRunningJob()
      .when(progressed(20), T0 + 50 * SECOND)
      .then({ wakeAt: T0 + 50 * SECOND + MINUTE })
      .when({ type: 'wake' }, REPORTED + MINUTE)
      .then({ unchanged: true })
  })

  test.each(['running', 'queued'] as const)('goes on when RunPod says that it is %s', (state) => {
    aRunningJob()
      .wakes()
      .when(observed(state))
      .then({ status: 'processing', step: 'running', phase: { stallAt: REPORTED + 2 * MINUTE }, log: [] })
  })

  test.each([
    ['failed', 'worker_error'],
    ['timed_out', 'execution_timeout'],
    ['gone', 'runpod_job_lost'],
  ] as const)('is tried again when RunPod says that it is %s', (state, code) => {
    aRunningJob()
      .wakes()
      .when(observed(state))
      .then({ step: 'waiting', phase: { failure: { code }, look: 'owed' }, attempt: { remote: 'ended' } })
  })

  test('is verified when RunPod says that it completed', () => {
    aRunningJob()
      .wakes()
      .when(observed('completed'))
      .then({ step: 'verifying', log: ['verifying'] })
  })

  test('is asked about with a growing pause while RunPod does not answer; silence is no verdict', () => {
    let story = aRunningJob()
    for (let failures = 1; failures <= 8; failures++) {
      story = story
        .wakes()
        .when(pollFailed())
        .then({ step: 'running', phase: { pollFailures: failures } })
      expect(story.dueAt() - story.now).toBeLessThanOrEqual(5 * MINUTE)
    }
    story.when(progressed(30)).then({ phase: { pollFailures: 0, stallAt: story.now + MINUTE } })
  })

  test('is written off when its id at RunPod is not known: there is nobody to ask', () => {
    acknowledged(anAmbiguousJob().when(progressed(1)))
      .wakes()
      .then({ step: 'waiting', phase: { failure: { code: 'stalled' } } })
  })

  test('is asked at once again only a little later when a young job is not visible at RunPod', () => {
    aRunningJob({ policy: { stallTimeoutMs: 5 * SECOND } })
      .wakes()
      .when(observed('gone'))
      .then({ step: 'running', phase: { stallAt: REPORTED + 20 * SECOND } })
  })

  test('ignores what RunPod answers about it once it has ended otherwise', () => {
    aRunningJob().wakes().when(completed()).when(pollFailed()).then({ unchanged: true, step: 'verifying' })
  })
})

import { describe, expect, test } from 'vitest'
import {
  cancelAnswered,
  ENDPOINT,
  HOUR,
  MINUTE,
  observed,
  outputAbsent,
  outputSeen,
  pollFailed,
  progressed,
  RUNPOD_ID,
  ref,
  SECOND,
  someHealth,
  T0,
} from '../support/node/builders.ts'
import { given, type Story } from '../support/node/given.ts'
import { acknowledged, aQueuedJob } from '../support/node/stages.ts'

const QUEUED = T0 + SECOND

function checked(story: Story, answer = observed('queued')): Story {
  return story.wakes().when(answer)
}

describe('A queued job', () => {
  test('is asked about after 1, 2, 4, 8 and then every 15 minutes', () => {
    let story = acknowledged(aQueuedJob())
    const asked: number[] = []
    for (let i = 0; i < 7; i++) {
      story = checked(story)
      asked.push((story.now - QUEUED) / MINUTE)
    }
    expect(asked).toEqual([1, 3, 7, 15, 30, 45, 60])
  })

  test('is asked about with the health of the endpoint, to say why it waits', () => {
    const story = acknowledged(aQueuedJob()).wakes()
    expect(story.last?.effects).toEqual([
      { type: 'poll', ref: ref(), endpoint: ENDPOINT, runpodJobId: RUNPOD_ID, withHealth: true },
    ])
    const health = someHealth({ throttled: 2 })
    story.when(observed('queued', { health })).then({ status: 'queued', phase: { health } })
    const later = checked(story.when(observed('queued', { health })))
    later.then({ phase: { health } })
  })

  test('asks without making anything durable: a crash merely asks again', () => {
    acknowledged(aQueuedJob())
      .wakes()
      .then({ effects: ['poll'], durable: false })
  })

  test('runs when RunPod says so, or when the worker reports', () => {
    checked(acknowledged(aQueuedJob()), observed('running')).then({
      status: 'processing',
      log: ['processing'],
    })
    aQueuedJob()
      .when(progressed(1))
      .then({ status: 'processing', log: ['processing'] })
  })

  test('is asked about again with a growing pause while RunPod does not answer', () => {
    let story = acknowledged(aQueuedJob())
    for (let failures = 1; failures <= 4; failures++) {
      story = checked(story, pollFailed()).then({ status: 'queued', phase: { pollFailures: failures } })
      expect(story.dueAt() - story.now).toBeLessThanOrEqual(5 * SECOND * 2 ** failures)
    }
    checked(story).then({ phase: { pollFailures: 0 } })
  })

  test('ends at the queue timeout, once RunPod has said that it still waits', () => {
    let story = acknowledged(aQueuedJob())
    while (story.job.phase.status === 'queued') story = checked(story)
    expect(story.now).toBe(QUEUED + HOUR)
    story
      .then({
        step: 'waiting',
        phase: { failure: { code: 'queue_timeout', retryable: true }, exhausted: true },
      })
      .wakes()
      .then({ effects: ['cancelRemote', 'mirror'] })
  })

  test('is not tried again after its queue timeout, but its output is looked for once', () => {
    let story = acknowledged(aQueuedJob())
    while (story.job.phase.status === 'queued') story = checked(story)
    const looking = acknowledged(story).wakes().when(cancelAnswered('ended')).wakes()
    looking.then({ effects: ['look'] })
    looking.when(outputSeen()).then({ status: 'complete' })
    looking
      .when(outputAbsent())
      .wakes()
      .then({ status: 'error', phase: { failure: { code: 'queue_timeout' } }, attempts: 1 })
  })

  test('runs when a worker took it in the last moment before the timeout', () => {
    let story = acknowledged(aQueuedJob())
    while (story.dueAt() < QUEUED + HOUR) story = checked(story)
    checked(story, observed('running')).then({ status: 'processing' })
  })

  test('ends ten minutes past its timeout when RunPod cannot be asked', () => {
    let story = acknowledged(aQueuedJob())
    while (story.job.phase.status === 'queued') story = checked(story, pollFailed())
    expect(story.now).toBeGreaterThanOrEqual(QUEUED + HOUR + 10 * MINUTE)
    expect(story.now).toBeLessThan(QUEUED + HOUR + 16 * MINUTE)
    story.then({
      step: 'waiting',
      phase: { failure: { code: 'queue_timeout' }, exhausted: true },
      attempt: { remote: 'live' },
    })
    expect(story.attempt(1).cancel).toMatchObject({ tries: 0, dueAt: story.now })
  })

  test('is not lost by a 404 that comes too soon, but by one that stays', () => {
    const young = aQueuedJob().when(observed('gone'), QUEUED + 30 * SECOND)
    young.then({ status: 'queued', phase: { checkAt: QUEUED + 45 * SECOND } })
    acknowledged(young)
      .when(observed('gone'), QUEUED + 61 * SECOND)
      .then({ step: 'waiting', phase: { failure: { code: 'runpod_job_lost' }, look: 'owed' } })
      .then({ attempt: { remote: 'ended' } })
  })

  test('takes a final verdict of RunPod as its own', () => {
    const verdicts = [
      ['failed', 'worker_error'],
      ['timed_out', 'worker_lost'],
    ] as const
    for (const [state, code] of verdicts) {
      given(aQueuedJob())
        .when(observed(state))
        .then({ step: 'waiting', phase: { failure: { code } } })
    }
    aQueuedJob()
      .when(observed('cancelled'))
      .then({ status: 'error', phase: { failure: { code: 'runpod_cancelled' } } })
    aQueuedJob().when(observed('completed')).then({ step: 'verifying' })
  })
})

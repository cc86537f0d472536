import { describe, expect, test } from 'vitest'
import {
  aFailure,
  completed,
  dispatched,
  dispatchRefused,
  MINUTE,
  observed,
  outputAbsent,
  outputKey,
  progressed,
  RUNPOD_ID,
  ref,
  SECOND,
  T0,
} from '../support/node/builders.ts'
import { aDispatchingJob, anAcceptedJob } from '../support/node/stages.ts'

describe('Dispatch', () => {
  test('is committed before it is asked for', () => {
    const story = anAcceptedJob().dispatches()
    story.then({ effects: ['dispatch'], log: ['attempt_started'], durable: true, step: 'dispatching' })
    expect(story.effect('dispatch').attempt).toEqual(story.attempt(1))
  })

  test('names the output by round and attempt, and its life by ttl', () => {
    const { attempt } = anAcceptedJob().dispatches().effect('dispatch')
    expect(attempt.outputKey).toBe(outputKey())
    expect(attempt.ttlEndsAt).toBe(T0 + MINUTE + 15 * SECOND + 60 * MINUTE + 30 * MINUTE + 10 * MINUTE)
  })

  test('is not repeated by further wakes while its answer is awaited', () => {
    aDispatchingJob()
      .when({ type: 'wake' }, T0 + 74 * SECOND)
      .then({ unchanged: true })
  })

  test('leads to the queue when RunPod takes the job', () => {
    aDispatchingJob()
      .when(dispatched(), T0 + SECOND)
      .then({ status: 'queued', log: ['queued'], effects: [], durable: true })
      .then({ attempt: { runpodJobId: RUNPOD_ID, remote: 'live', queuedAt: T0 + SECOND } })
      .then({ phase: { checkAt: T0 + SECOND + MINUTE, timeoutAt: T0 + SECOND + 60 * MINUTE, checks: 0 } })
  })

  test('stays overtaken when the worker reports before the answer comes', () => {
    aDispatchingJob()
      .when(progressed(1), T0 + 500)
      .then({ status: 'processing', log: ['processing'] })
      .when(dispatched(), T0 + SECOND)
      .then({ status: 'processing', log: [], attempt: { runpodJobId: RUNPOD_ID, remote: 'live' } })
  })

  test('stays overtaken when completion comes before the answer', () => {
    aDispatchingJob()
      .when(completed(), T0 + 500)
      .then({ step: 'verifying' })
      .when(dispatchRefused(), T0 + SECOND)
      .then({ unchanged: true })
      .when(dispatched(), T0 + SECOND)
      .then({ step: 'verifying', attempt: { runpodJobId: RUNPOD_ID } })
  })

  test('does not learn another id from a later answer', () => {
    aDispatchingJob()
      .when(progressed(1, { runpodJobId: 'rp-first' }), T0 + 500)
      .when(dispatched(ref(), 'rp-other'), T0 + SECOND)
      .then({ attempt: { runpodJobId: 'rp-first' } })
  })

  test('takes the word of a webhook that overtakes the answer', () => {
    aDispatchingJob()
      .when(observed('running', { source: 'webhook', runpodJobId: RUNPOD_ID }), T0 + 500)
      .then({ status: 'processing', attempt: { runpodJobId: RUNPOD_ID, runningAt: T0 + 500 } })
  })

  test('that RunPod refuses for good ends the job at once', () => {
    const verdict = aFailure({ code: 'dispatch_rejected', message: 'RunPod answered 400.', retryable: false })
    aDispatchingJob()
      .when(dispatchRefused(ref(), verdict), T0 + SECOND)
      .then({ status: 'error', phase: { failure: verdict }, log: ['attempt_failed', 'error'] })
      .then({ attempt: { remote: 'ended', endedAt: T0 + SECOND, cancel: null } })
  })

  test('that RunPod refuses for now is tried again, after a look: the refusal may have been wrong', () => {
    aDispatchingJob()
      .when(dispatchRefused(), T0 + SECOND)
      .then({ status: 'pending', step: 'waiting', phase: { look: 'owed', exhausted: false } })
      .wakes()
      .then({ effects: ['look'] })
      .when(outputAbsent())
      .dispatches()
      .then({ effects: ['dispatch'], attempts: 2 })
  })

  test('answers of an attempt that does not exist change nothing', () => {
    aDispatchingJob()
      .when(dispatched(ref(7)), T0)
      .then({ unchanged: true })
  })
})

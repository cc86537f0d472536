import { describe, expect, test } from 'vitest'
import { costsOf, NO_PRICES } from '../../actors/export-job/core/shown/costs.ts'
import {
  CANCEL,
  cancelAnswered,
  completed,
  HOUR,
  MINUTE,
  observed,
  outputSeen,
  progressed,
  ref,
  SECOND,
  someUsage,
  T0,
} from '../support/node/builders.ts'
import {
  aCompleteJob,
  acknowledged,
  aFailedJob,
  anAcceptedJob,
  aRunningJob,
  aSecondAttempt,
  aVerifyingJob,
} from '../support/node/stages.ts'

const usage = someUsage({ delayMs: 2_500, executionMs: 12_345 })

describe('What a job cost', () => {
  test('is nothing before anything ran', () => {
    expect(costsOf(anAcceptedJob().job, () => 0.001)).toEqual({
      gpu_seconds: 0,
      wasted_seconds: 0,
      after_cancel_seconds: 0,
      queue_seconds: 0,
      estimated: false,
      cost: 0,
      wasted_cost: 0,
    })
  })

  test('is RunPod’s own figure where it gave one', () => {
    const complete = aVerifyingJob().when(observed('completed', { usage })).wakes().when(outputSeen())
    const costs = costsOf(complete.job, () => 0.0004)
    expect(costs).toMatchObject({
      gpu_seconds: 12.345,
      queue_seconds: 2.5,
      estimated: false,
      wasted_seconds: 0,
    })
    expect(costs.cost).toBeCloseTo(0.004938, 6)
  })

  test('is estimated from our clocks where it gave none', () => {
    expect(costsOf(aCompleteJob().job, NO_PRICES)).toMatchObject({
      gpu_seconds: 11,
      estimated: true,
      wasted_seconds: 0,
    })
  })

  test('has no money in it without a price', () => {
    expect(costsOf(aCompleteJob().job, NO_PRICES)).toMatchObject({ cost: null, wasted_cost: null })
  })

  test('counts a failed job as wasted, all of it', () => {
    const costs = costsOf(aFailedJob().job, () => 1)
    expect(costs).toMatchObject({ gpu_seconds: 10, wasted_seconds: 10, cost: 10, wasted_cost: 10 })
  })

  test('counts an attempt that is given up as wasted while the next one runs', () => {
    const second = aSecondAttempt()
    expect(costsOf(second.job, NO_PRICES)).toMatchObject({ gpu_seconds: 10, wasted_seconds: 10 })
    const done = second
      .when(completed({ ref: ref(2) }), second.now + 20 * SECOND)
      .wakes()
      .when(outputSeen(ref(2)))
    expect(costsOf(done.job, NO_PRICES)).toMatchObject({ gpu_seconds: 30, wasted_seconds: 10 })
  })

  test('tells apart what ran on after the cancel was asked for', () => {
    const cancelled = aRunningJob()
      .when(CANCEL, T0 + 20 * SECOND)
      .wakes()
      .when(cancelAnswered('ended'), T0 + 27 * SECOND)
    expect(costsOf(cancelled.job, NO_PRICES)).toMatchObject({
      after_cancel_seconds: 7,
      gpu_seconds: 17,
      wasted_seconds: 17,
    })
  })

  test('does not run up a bill for a run whose end was never heard of', () => {
    let silent = aRunningJob({ policy: { executionTimeoutMs: MINUTE } }).when(CANCEL, T0 + 20 * SECOND)
    while (silent.job.attempts[0]?.remote !== 'ended') {
      silent = silent
        .wakes()
        .when(cancelAnswered('unconfirmed'))
        .when({ type: 'debtPaid', debt: 'staleFiles' })
      silent = acknowledged(silent)
    }
    expect(silent.now).toBeGreaterThan(T0 + HOUR)
    expect(costsOf(silent.job, NO_PRICES)).toMatchObject({ gpu_seconds: 60, after_cancel_seconds: 50 })
  })

  test('takes figures that RunPod tells twice once', () => {
    const told = aVerifyingJob().when(observed('completed', { usage })).when(observed('completed', { usage }))
    expect(costsOf(told.wakes().when(outputSeen()).job, NO_PRICES)).toMatchObject({ gpu_seconds: 12.345 })
    told.then({ unchanged: true })
  })

  test('does not count time in the queue as time on a GPU', () => {
    const running = aRunningJob().when(progressed(50), T0 + 60 * SECOND)
    expect(costsOf(running.job, NO_PRICES)).toMatchObject({ gpu_seconds: 0, queue_seconds: 0 })
  })
})

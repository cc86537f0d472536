import { describe, expect, test } from 'vitest'
import type { Endpoint } from '../../actors/export-job/core/job.ts'
import { costsOf, NO_PRICES } from '../../actors/export-job/core/shown/costs.ts'
import { viewOf } from '../../actors/export-job/core/shown/view.ts'
import {
  aJob,
  CANCEL,
  DAY,
  dispatched,
  failed,
  HOUR,
  MINUTE,
  notConfigured,
  outputAbsent,
  placeGranted,
  progressed,
  RETRY_NOW,
  ref,
  SECOND,
  T0,
} from '../support/node/builders.ts'
import { given, type Story } from '../support/node/given.ts'
import { aCompleteJob, acknowledged, anAcceptedJob, aQueuedJob } from '../support/node/stages.ts'

const A: Endpoint = { name: 'default', url: 'https://runpod.test/v2/a', pricePerSecond: 0.5 }
const B: Endpoint = { name: 'default', url: 'https://runpod.test/v2/b', pricePerSecond: 2 }

/** Attempt 1 failed at A after ten seconds, and attempt 2 was accepted by B. */
function aMovedJob(): Story {
  const first = anAcceptedJob()
    .dispatches(T0, A)
    .when(dispatched(), T0 + SECOND)
  const failedAtA = first
    .when(progressed(5), T0 + 10 * SECOND)
    .when(failed(), T0 + 20 * SECOND)
    .wakes()
    .when(outputAbsent())
  const second = failedAtA.dispatches(undefined, B)
  return acknowledged(second.when(dispatched(ref(2), 'rp-2-u1'), second.now + SECOND))
}

describe('The endpoint of an attempt', () => {
  test('is asked for by the name that the job gives, and by default when it gives none', () => {
    expect(anAcceptedJob().wakes().effect('ask')).toEqual({
      type: 'ask',
      next: ref(),
      endpoint: 'default',
      isOwed: false,
    })
    expect(
      anAcceptedJob({ policy: { endpoint: 'h100' } })
        .wakes()
        .effect('ask').endpoint,
    ).toBe('h100')
  })

  test('is committed with it, before it is sent there', () => {
    const sent = anAcceptedJob().dispatches(T0, B)
    sent.then({ effects: ['dispatch'], durable: true, attempt: { endpoint: B } })
    expect(sent.effect('dispatch').endpoint).toBe(B)
  })

  test('costs no commit and no line of its own', () => {
    const asked = anAcceptedJob().wakes()
    asked.then({ durable: false, log: [], effects: ['ask'] })
    asked.when(placeGranted()).then({ durable: false, log: [], effects: [], wakeAt: T0 })
  })

  test('is where it is polled and cancelled, wherever the next ones go', () => {
    const moved = aMovedJob()
    expect(moved.wakes().effect('poll').endpoint).toEqual(B)
    expect(moved.when(CANCEL).wakes().effect('cancelRemote').endpoint).toEqual(B)
    const queuedAtA = anAcceptedJob()
      .dispatches(T0, A)
      .when(dispatched(), T0 + SECOND)
    expect(acknowledged(queuedAtA).wakes().effect('poll').endpoint).toEqual(A)
  })

  test('is unknown of an attempt that an earlier version sent', () => {
    const queued = acknowledged(aQueuedJob())
    const attempts = queued.job.attempts.map(({ endpoint: _, ...attempt }) => attempt)
    const old = given({ ...queued.job, attempts }, queued.now)
    expect(old.wakes().effect('poll').endpoint).toBeNull()
    expect(old.when(CANCEL).wakes().effect('cancelRemote').endpoint).toBeNull()
  })

  test('is where it is priced: what it cost when the attempt was sent', () => {
    const cancelled = aMovedJob().when(progressed(5, { ref: ref(2) }))
    const ended = cancelled.when(failed({ ref: ref(2) }), cancelled.now + 10 * SECOND)
    expect(costsOf(ended.job, () => 100)).toMatchObject({ gpu_seconds: 20, cost: 25, wasted_cost: 25 })
  })

  test('is priced as it is today when no price was set then, and not at all when there is none', () => {
    const { job } = aCompleteJob()
    expect(costsOf(job, (name, url) => (name === 'default' && url === A.url ? 3 : null)).cost).toBe(33)
    expect(costsOf(job, (_, url) => (url === A.url ? null : 3))).toMatchObject({
      cost: null,
      wasted_cost: null,
    })
    expect(costsOf(job, NO_PRICES).cost).toBeNull()
  })
})

describe('A job that nothing is configured for', () => {
  const waiting = () => anAcceptedJob().wakes().when(notConfigured())

  test('waits, and says so once', () => {
    const told = waiting()
    told.then({ status: 'pending', step: 'asking', durable: true, log: ['dispatch_held'], attempts: 0 })
    expect(viewOf(told.job)?.reason).toBe(
      `The next attempt waits since ${new Date(T0).toISOString()}: RUNPOD_API_KEY must be set to dispatch.`,
    )
    told.wakes().when(notConfigured()).then({ log: [], step: 'asking', attempts: 0 })
    told
      .wakes()
      .when(notConfigured(ref(), 'Something else.'))
      .then({ log: ['dispatch_held'] })
  })

  test('asks again after pauses of at most five minutes, and goes as soon as it may', () => {
    let story = waiting()
    for (let asks = 0; asks < 60; asks++) {
      const before = story.now
      story = story.wakes().when(notConfigured())
      expect(story.now - before).toBeLessThanOrEqual(5 * MINUTE)
    }
    story.dispatches().then({ effects: ['dispatch'], attempt: { attempt: 1 } })
    waiting()
      .when(RETRY_NOW)
      .then({ wakeAt: T0, log: ['retry_hurried'] })
  })

  test('ends at its deadline, or when it is cancelled', () => {
    waiting()
      .wakes(T0 + DAY)
      .then({ status: 'error', phase: { failure: { code: 'deadline_exceeded' } } })
    waiting()
      .when(CANCEL)
      .then({ status: 'cancelled', phase: { confirmed: true } })
  })

  test('is not moved by an answer that was for another attempt', () => {
    const asked = anAcceptedJob().wakes()
    asked.when(placeGranted(ref(2))).then({ unchanged: true })
    asked.when(notConfigured(ref(1, 2))).then({ unchanged: true })
    given(aJob())
      .when(placeGranted(), T0 + HOUR)
      .then({ unchanged: true })
  })
})

import { describe, expect, test } from 'vitest'
import { owesNothing } from '../../actors/export-job/core/debts/index.ts'
import {
  backoffMs,
  LONGEST_CHECK_MS,
  POLICY_BOUNDS,
  queueCheckMs,
  ttlMs,
} from '../../actors/export-job/core/policy.ts'
import { clocks, naturalWakeAt, wakeAt } from '../../actors/export-job/core/schedule.ts'
import { aPolicy, CANCEL, DAY, DELETE, MINUTE, SECOND, T0 } from '../support/node/builders.ts'
import { given, type Story } from '../support/node/given.ts'
import {
  aCancelledJob,
  aCancellingJob,
  aCompleteJob,
  aDispatchingJob,
  aFailedJob,
  anAcceptedJob,
  aQueuedJob,
  aRunningJob,
  aVerifyingJob,
  aWaitingJob,
} from '../support/node/stages.ts'

const SEEDS = Array.from({ length: 500 }, (_, i) => `job-${i}`)

describe('The backoff', () => {
  test.each([
    [0, 5],
    [1, 10],
    [2, 20],
    [3, 40],
    [4, 80],
    [5, 160],
    [6, 300],
    [7, 300],
    [60, 300],
  ])('of try %i spreads over 1 to %i seconds', (tries, seconds) => {
    const pauses = SEEDS.map((seed) => backoffMs(seed, tries))
    const ceiling = seconds * SECOND
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(SECOND)
    expect(Math.max(...pauses)).toBeLessThanOrEqual(ceiling)
    expect(Math.max(...pauses)).toBeGreaterThan(ceiling * 0.97)
    const mean = pauses.reduce((sum, pause) => sum + pause, 0) / pauses.length
    expect(mean / ceiling).toBeGreaterThan(0.42)
    expect(mean / ceiling).toBeLessThan(0.6)
  })

  test('is the same for the same job and try, and different for another', () => {
    expect(backoffMs('a', 3)).toBe(backoffMs('a', 3))
    expect(new Set(SEEDS.map((seed) => backoffMs(seed, 6))).size).toBeGreaterThan(490)
  })

  test('is a whole number of milliseconds', () => {
    for (const seed of SEEDS) expect(Number.isInteger(backoffMs(seed, 4))).toBe(true)
  })
})

describe('Queue checks', () => {
  test('double from a minute and stop growing before RunPod forgets a result', () => {
    const minutes = [0, 1, 2, 3, 4, 5, 99].map((n) => queueCheckMs(n) / MINUTE)
    expect(minutes).toEqual([1, 2, 4, 8, 15, 15, 15])
    expect(LONGEST_CHECK_MS).toBeLessThan(30 * MINUTE)
  })
})

describe('Policy bounds', () => {
  test.each(Object.entries(POLICY_BOUNDS))('of %s hold their standard', (_, { least, most, standard }) => {
    expect(least).toBeLessThanOrEqual(standard)
    expect(standard).toBeLessThanOrEqual(most)
  })

  test('keep the ttl within the seven days that RunPod takes', () => {
    const { queueTimeoutMs, executionTimeoutMs } = POLICY_BOUNDS
    const widest = aPolicy({
      queueTimeoutMs: queueTimeoutMs.most,
      executionTimeoutMs: executionTimeoutMs.most,
    })
    expect(ttlMs(widest)).toBeLessThanOrEqual(7 * DAY)
    expect(ttlMs(aPolicy())).toBe(100 * MINUTE)
  })
})

describe('The clocks', () => {
  const rows: [string, () => Story, string[]][] = [
    ['accepted', anAcceptedJob, ['dispatch', 'deadline']],
    ['dispatching', aDispatchingJob, ['dispatch_grace', 'deadline']],
    ['queued', aQueuedJob, ['queue_check', 'queue_timeout', 'deadline', 'mirror']],
    ['running', aRunningJob, ['stall', 'execution', 'deadline']],
    ['verifying', aVerifyingJob, ['verify', 'deadline']],
    ['waiting', aWaitingJob, ['look', 'deadline']],
    ['cancelling', aCancellingJob, ['cancel_give_up', 'deadline', 'owed_cancel', 'mirror']],
    ['complete', aCompleteJob, ['retention']],
    ['failed', aFailedJob, ['sweep']],
    ['cancelled', aCancelledJob, ['sweep']],
    ['being deleted', () => aFailedJob().when(DELETE), ['erase']],
    [
      'gone',
      () => anAcceptedJob().when(CANCEL).when(DELETE).wakes().when({ type: 'debtPaid', debt: 'erase' }),
      [],
    ],
  ]

  test.each(rows)('of a job that is %s', (_, stage, names) => {
    expect(clocks(stage().job).map((clock) => clock.name)).toEqual(names)
  })

  test.each(rows)('of a job that is %s ring first at wakeAt', (_, stage) => {
    const { job } = stage()
    const all = clocks(job).map((clock) => clock.at)
    expect(wakeAt(job)).toBe(all.length === 0 ? null : Math.min(...all))
  })

  test('of an idle ended job are its retention alone', () => {
    expect(owesNothing(aCompleteJob().job)).toBe(true)
    expect(owesNothing(aFailedJob().job)).toBe(false)
  })

  test('are held back by a tripped breaker', () => {
    const { job } = aWaitingJob()
    const tripped = given({ ...job, breaker: { level: 61, at: T0 + MINUTE, tripped: true, strikes: 0 } }).job
    expect(wakeAt(tripped)).toBe(T0 + 2 * MINUTE)
    expect(naturalWakeAt(tripped)).toBe(naturalWakeAt(job))
  })
})

import { describe, expect, test } from 'vitest'
import { transition } from '../../actors/export-job/core/transition.ts'
import { aJob, DAY, T0, WAKE } from '../support/node/builders.ts'
import { given } from '../support/node/given.ts'

describe('A job that is accepted', () => {
  test('is durable as version 1, logged, and due at once', () => {
    const job = aJob()
    expect(job).toMatchObject({ version: 1, round: 1, roundStartedAt: T0, attempts: [] })
    given(job).then({ status: 'pending', step: 'waiting', wakeAt: T0 })
  })

  test('owes the list nothing: its row was born before it', () => {
    given(aJob()).then({ outbox: { mirror: null, sweep: null, archive: null } })
  })

  test('starts its first attempt without looking for an output', () => {
    given(aJob())
      .dispatches(T0)
      .then({ effects: ['dispatch'], attempts: 1 })
  })

  test('sends that attempt late rather than never when the alarm is late', () => {
    given(aJob())
      .dispatches(T0 + DAY / 2)
      .then({ effects: ['dispatch'], step: 'dispatching' })
  })

  test('is plain data: it survives a round trip through JSON', () => {
    const job = given(aJob()).dispatches(T0).job
    expect(JSON.parse(JSON.stringify(job))).toEqual(job)
  })

  test('is never changed by a wake that comes too early', () => {
    const job = aJob()
    const step = transition(job, WAKE, T0 - 1)
    expect(step.job).toBe(job)
    expect(step).toMatchObject({ effects: [], log: [], durable: false })
  })
})

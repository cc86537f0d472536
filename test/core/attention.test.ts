import { describe, expect, test } from 'vitest'
import { mirrorRowOf } from '../../actors/export-job/core/shown/mirror-row.ts'
import {
  cancelAnswered,
  DAY,
  deliveryFailed,
  MINUTE,
  observed,
  pollFailed,
  progressed,
  SECOND,
  T0,
} from '../support/node/builders.ts'
import type { Story } from '../support/node/given.ts'
import {
  aCancellingJob,
  aCompleteJob,
  acknowledged,
  aQueuedJob,
  aRunningJob,
} from '../support/node/stages.ts'

const told = ({ job }: Story) => {
  const { attention, attention_at } = mirrorRowOf(job) ?? {}
  return attention ? [attention, attention_at] : null
}

describe('What a person should look at', () => {
  test('is no job that goes its way, nor one that reports again', () => {
    expect(told(aQueuedJob())).toBeNull()
    expect(told(aCompleteJob())).toBeNull()
    const silent = aRunningJob().wakes().when(observed('running'))
    expect(told(silent)).toEqual(['stalled', silent.now])
    const again = acknowledged(silent).when(progressed(20))
    expect(told(again)).toBeNull()
    again.then({ durable: true, outbox: { mirror: { version: again.job.version, tries: 0 } } })
  })

  test('is owed to the list with a version of its own, and only when it becomes another', () => {
    const before = acknowledged(aRunningJob()).wakes()
    const silent = before.when(observed('running'))
    silent.then({ durable: true, log: [], outbox: { mirror: { version: silent.job.version } } })
    expect(silent.job.version).toBeGreaterThan(before.job.version)
    acknowledged(silent)
      .wakes()
      .when(observed('running'))
      .then({ outbox: { mirror: null } })
  })

  test('keeps the instant at which it began', () => {
    const silent = aRunningJob().wakes().when(pollFailed())
    const later = acknowledged(silent).wakes().when(pollFailed())
    expect(later.now).toBeGreaterThan(silent.now)
    expect(told(later)).toEqual(told(silent))
  })

  test('is a cancel that RunPod was told of and does not confirm, until it does', () => {
    const asked = acknowledged(aCancellingJob())
    expect(told(asked)).toBeNull()
    const unconfirmed = asked.wakes().when(cancelAnswered('unconfirmed'))
    expect(told(unconfirmed)).toEqual(['cancel_unconfirmed', unconfirmed.now])
    expect(told(unconfirmed.when(cancelAnswered('ended')))).toBeNull()
  })

  test('is a deadline that is near, by the next commit', () => {
    const near = aQueuedJob({ policy: { queueTimeoutMs: DAY } })
      .wakes(T0 + DAY - 9 * MINUTE)
      .when(observed('queued'))
    expect(told(near)).toEqual(['deadline_near', near.now])
  })

  test('is a webhook that is not taken twice; the gravest of several comes first', () => {
    const webhook = { url: 'https://example.com/hook', events: ['processing'] }
    const owed = aRunningJob({ webhook })
    const [{ id = '' } = {}] = owed.job.outbox.webhooks
    const once = owed.when(deliveryFailed(id))
    expect(told(once)).toBeNull()
    const failing = once.when(deliveryFailed(id))
    expect(told(failing)?.[0]).toBe('webhook_failing')
    expect(told(failing.when(observed('running'), failing.now + 5 * MINUTE))?.[0]).toBe('stalled')
  })

  test('is not told to a list that does not answer any sooner than what is owed already', () => {
    const tried = aRunningJob()
      .when({ type: 'rowOverdue' })
      .wakes()
      .when({ type: 'debtFailed', debt: 'mirror' })
    const silent = tried.when(observed('running'), T0 + 5 * MINUTE + SECOND)
    const { mirror } = tried.job.outbox
    silent.then({ outbox: { mirror: { tries: 1, dueAt: mirror?.dueAt ?? 0, version: silent.job.version } } })
  })
})

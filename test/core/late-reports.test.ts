import { describe, expect, test } from 'vitest'
import { costsOf, NO_PRICES } from '../../actors/export-job/core/shown/costs.ts'
import {
  CANCEL,
  cancelAnswered,
  completed,
  dispatchRefused,
  failed,
  HOUR,
  observed,
  outputSeen,
  progressed,
  RUNPOD_ID,
  ref,
} from '../support/node/builders.ts'
import type { Story } from '../support/node/given.ts'
import {
  aCancelledJob,
  aCompleteJob,
  acknowledged,
  aDispatchingJob,
  aFailedJob,
  aLostJob,
  aRunningJob,
  aSecondAttempt,
} from '../support/node/stages.ts'

function expiryOf({ job }: Story): number | null {
  return 'expiresAt' in job.phase ? job.phase.expiresAt : null
}

describe('A report of a closed attempt', () => {
  test.each([
    ['progress', progressed(99, { stage: 'encoding' })],
    ['complete', completed()],
    ['error', failed({ runpodJobId: null })],
  ] as const)('of %s changes nothing that counts', (kind, event) => {
    const before = aSecondAttempt().when(progressed(1)).when(completed())
    const story = before.when(event)
    expect(story.job.phase).toEqual(before.job.phase)
    expect(story.job.progress).toEqual(before.job.progress)
    expect(story.job.attempts.at(-1)).toEqual(before.job.attempts.at(-1))
    expect(kind).toBeTruthy()
  })

  test('is logged once for each kind, and counted after that', () => {
    const first = aSecondAttempt()
      .when(progressed(40))
      .then({ log: ['late_report'], durable: true })
    expect(first.logged('late_report')).toMatchObject({ ref: ref(1), data: { kind: 'progress' } })
    const again = first
      .when(progressed(41))
      .then({ log: [] })
      .when(completed())
      .then({ log: ['late_report'] })
    expect(again.attempt(1).late).toEqual({ progress: 2, complete: 1, error: 0 })
  })

  test('that RunPod said it did not take proves that it did: it is cancelled, once', () => {
    const refused = aDispatchingJob().when(dispatchRefused())
    const heard = refused
      .when(progressed(5, { runpodJobId: RUNPOD_ID }))
      .then({ step: 'waiting', reply: { ok: true, cancel: true }, attempt: { remote: 'live' } })
    const stopped = heard
      .wakes()
      .then({ effects: ['cancelRemote'] })
      .when(cancelAnswered('ended'))
    stopped
      .when(progressed(10, { runpodJobId: RUNPOD_ID }))
      .then({ reply: { ok: true, cancel: true }, attempt: { remote: 'ended' } })
  })

  test('of a dispatch that was cancelled and then refused has it cancelled as well', () => {
    aDispatchingJob()
      .when(CANCEL)
      .when(dispatchRefused())
      .then({ status: 'cancelled' })
      .when(progressed(5, { runpodJobId: RUNPOD_ID }))
      .wakes()
      .then({ effects: ['cancelRemote', 'mirror', 'sweepOutputs'] })
  })

  test('tells the worker to stop', () => {
    aSecondAttempt()
      .when(progressed(40))
      .then({ reply: { ok: true, cancel: true } })
    aSecondAttempt()
      .when(completed())
      .then({ reply: { ok: true, cancel: true } })
    aFailedJob()
      .when(progressed(40))
      .then({ reply: { ok: true, cancel: true } })
  })

  test('has its RunPod job cancelled when that is not known to have ended', () => {
    const orphan = aLostJob().when(progressed(7, { runpodJobId: RUNPOD_ID }))
    expect(orphan.wakes().effect('cancelRemote').runpodJobId).toBe(RUNPOD_ID)
  })

  test('said again by the worker whose error failed the attempt is no late report', () => {
    const before = aSecondAttempt()
    before.when(failed()).then({ unchanged: true })
    aFailedJob().when(failed()).then({ unchanged: true })
  })

  test('of the winner is no late report', () => {
    const complete = aCompleteJob()
    complete.when(completed()).then({ unchanged: true, reply: { ok: true, cancel: false } })
    complete.when(failed()).then({ unchanged: true })
  })

  test('of the winner’s progress is one: RunPod runs a finished request again, and that run is stopped', () => {
    const again = aCompleteJob()
      .when(observed('completed', { source: 'webhook' }))
      .when(progressed(3, { runpodJobId: RUNPOD_ID }))
      .then({ status: 'complete', log: ['late_report'], reply: { ok: true, cancel: true } })
    expect(again.logged('late_report')).toMatchObject({ ref: ref(1), data: { kind: 'progress' } })
    const told = acknowledged(again).wakes()
    expect(told.effect('cancelRemote')).toMatchObject({ ref: ref(1), runpodJobId: RUNPOD_ID })
    const more = told.when(progressed(4)).then({ log: [], reply: { cancel: true } })
    acknowledged(more.when(cancelAnswered('ended'))).then({ wakeAt: expiryOf(aCompleteJob()) })
  })

  test('of a winner that RunPod still shows as running has it cancelled, and leaves its figures alone', () => {
    const before = aCompleteJob()
    const told = acknowledged(before.when(progressed(3))).wakes()
    expect(told.effect('cancelRemote').runpodJobId).toBe(RUNPOD_ID)
    const after = told.when(cancelAnswered('ended'), told.now + HOUR)
    expect(costsOf(after.job, NO_PRICES)).toEqual(costsOf(before.job, NO_PRICES))
    after.then({ status: 'complete', attempt: { cancel: null } })
  })

  test('that RunPod runs again under another id has that one cancelled', () => {
    for (const closed of [aCompleteJob(), aFailedJob()]) {
      const told = acknowledged(closed.when(progressed(3, { runpodJobId: 'rp-again' }))).wakes()
      expect(told.effect('cancelRemote').runpodJobId).toBe('rp-again')
      expect(told.attempt(1)).toMatchObject({ runpodJobId: RUNPOD_ID, remote: closed.attempt(1).remote })
    }
  })

  test('that failed by its own word and runs again is cancelled once', () => {
    const told = aFailedJob().when(progressed(40)).wakes()
    expect(told.effect('cancelRemote').runpodJobId).toBe(RUNPOD_ID)
    const over = told.when(cancelAnswered('ended'))
    over.when(progressed(41)).then({ log: [], durable: false, reply: { cancel: true } })
  })

  test('that RunPod was told to cancel, and said that it did, has it told once more', () => {
    const told = aCancelledJob()
      .when(progressed(40))
      .then({ log: ['late_report'], reply: { cancel: true }, attempt: { remote: 'ended' } })
      .wakes()
      .then({ status: 'cancelled', effects: ['cancelRemote', 'mirror', 'sweepOutputs'] })
    told.when(cancelAnswered('ended')).when(progressed(41)).then({ log: [], durable: false })
  })

  test('that never said its RunPod id can only be told to stop', () => {
    const anonymous = aDispatchingJob().when(progressed(5)).when(completed()).wakes().when(outputSeen())
    acknowledged(anonymous)
      .when(progressed(1))
      .then({ reply: { cancel: true }, attempt: { runpodJobId: null } })
  })

  test('does not revive an ended job, however late it comes', () => {
    aFailedJob()
      .when(completed(), aFailedJob().now + HOUR)
      .then({ status: 'error', log: ['late_report'] })
    aFailedJob()
      .when(observed('completed', { source: 'webhook' }))
      .then({ status: 'error' })
    aFailedJob().when(outputSeen()).then({ unchanged: true })
  })

  test('of an attempt that never was tells the worker to stop, and leaves no trace', () => {
    aRunningJob()
      .when(progressed(5, { ref: ref(9) }))
      .then({ unchanged: true, reply: { ok: true, cancel: true } })
    aRunningJob()
      .when(completed({ ref: ref(1, 9) }))
      .then({ unchanged: true, reply: { ok: true, cancel: true } })
  })

  test('does not move a clock of the attempt that runs', () => {
    const running = acknowledged(aSecondAttempt())
    const told = running
      .when(progressed(99), running.now + 30_000)
      .wakes()
      .then({ effects: ['cancelRemote'] })
    told.when(cancelAnswered('ended')).then({ wakeAt: running.dueAt() })
  })

  test('of RunPod itself settles only what it speaks of', () => {
    const story = aSecondAttempt().when(observed('failed', { source: 'webhook', runpodJobId: RUNPOD_ID }))
    story.then({ status: 'processing', step: 'running' })
    aSecondAttempt()
      .when(observed('completed', { runpodJobId: RUNPOD_ID }))
      .then({ step: 'running', log: [] })
  })
})

import { expect, test } from 'vitest'
import { Tracker } from '../../client/tracker.ts'
import type { Job, ServerMessage } from '../../client/types.ts'
import { aJob, anEvent } from '../support/node/client/samples.ts'

const snapshot = (seq: number, job: Partial<Job> = {}, reset = false): ServerMessage => ({
  type: 'snapshot',
  seq,
  job: aJob(job),
  ...(reset ? { reset } : {}),
})
const event = (seq: number, job: Partial<Job> = {}): ServerMessage => ({
  type: 'event',
  seq,
  event: anEvent(seq),
  job: aJob(job),
})
const progress = (seq: number, percent: number): ServerMessage => ({
  type: 'progress',
  seq,
  progress: percent,
  stage: 's',
  message: null,
  eta_seconds: 3,
  queue: null,
  attempt: 1,
  round: 1,
})

/** A tracker that has received these messages. */
function told(...messages: ServerMessage[]): Tracker {
  const tracker = new Tracker(null)
  for (const message of messages) tracker.accept(message)
  return tracker
}

test('progress belongs to the job that was seen before it', () => {
  expect(told().accept(progress(0, 10))).toEqual([])
  const tracker = told(snapshot(3))
  expect(tracker.accept(progress(3, 10))).toMatchObject([
    { type: 'progress', seq: 3, progress: 10, stage: 's', job: { progress: 10, eta_seconds: 3 } },
  ])
  expect(tracker.accept(progress(2, 20))).toEqual([])
  expect(tracker.accept(progress(4, 20))).toBe('gap')
  expect(tracker.job?.progress).toBe(10)
})

test('within an attempt progress does not fall, whatever says so', () => {
  for (const message of [progress(1, 30), event(2, { progress: 30 }), snapshot(1, { progress: 30 })]) {
    const tracker = told(snapshot(1), progress(1, 40))
    tracker.connected()
    tracker.accept(message)
    expect(tracker.job?.progress).toBe(40)
  }
})

test('a new attempt and a new round begin anew', () => {
  expect(told(snapshot(1, { progress: 40 }), event(2, { attempt: 2, progress: 1 })).job?.progress).toBe(1)
  expect(told(snapshot(1, { progress: 40 }), event(2, { round: 2, progress: 1 })).job?.progress).toBe(1)
})

test('an older version of the job does not replace a newer one, unless the log began anew', () => {
  const tracker = told(snapshot(1, { version: 5, stage: 'new' }))
  tracker.accept(event(2, { version: 4, stage: 'old' }))
  expect([tracker.seq, tracker.job?.stage]).toEqual([2, 'new'])
  tracker.accept(snapshot(1, { version: 1, stage: 'restored' }, true))
  expect([tracker.seq, tracker.job?.stage]).toEqual([1, 'restored'])
})

test('the first snapshot of a connection is the truth, a later one that is older is late', () => {
  const tracker = told(snapshot(5))
  expect(tracker.accept(snapshot(3))).toEqual([])
  tracker.connected()
  expect(tracker.accept(snapshot(3))).toMatchObject([{ type: 'snapshot', seq: 3, reset: true }])
})

test('a snapshot ahead of what was replayed says that lines were missed', () => {
  const tracker = told(snapshot(5))
  tracker.connected()
  tracker.accept({ type: 'replay', from: 6, to: 7, events: [anEvent(6), anEvent(7)] })
  expect(tracker.accept(snapshot(9))).toMatchObject([{ seq: 9, reset: true }])
  expect(tracker.accept(event(10))).toMatchObject([{ type: 'event', seq: 10 }])
  expect(tracker.accept(event(12))).toBe('gap')
  expect(tracker.seq).toBe(10)
})

import { beforeEach, expect, it } from 'vitest'
import { Presence } from '../../runpod-local/presence.ts'
import { ManualClock } from '../support/node/runpod-local/manual-clock.ts'

const LOST_MS = 40_000
let clock: ManualClock
let gone: string[]
let presence: Presence

beforeEach(() => {
  clock = new ManualClock()
  gone = []
  presence = new Presence({ clock, lostWorkerMs: LOST_MS, onGone: (workerId) => gone.push(workerId) })
})

const breakOff = (workerId = 'a') => {
  presence.ended(workerId)
  presence.brokeOff(workerId)
}

it('gives a worker up that broke off its only poll, once its time is over', () => {
  presence.began('a')
  breakOff()
  clock.advance(LOST_MS - 1)
  expect(gone).toEqual([])
  clock.advance(1)
  expect(gone).toEqual(['a'])
  expect(clock.pending).toBe(0)
})

it.each<[string, () => void]>([
  ['polls again', () => presence.began('a')],
  ['posts something', () => presence.seen('a')],
])('keeps one that %s in time', (_what, act) => {
  presence.began('a')
  breakOff()
  clock.advance(LOST_MS - 1)
  act()
  clock.advance(LOST_MS)
  expect(gone).toEqual([])
})

it('keeps one that has another poll open, until that one is broken off too', () => {
  presence.began('a')
  presence.began('a')
  breakOff()
  clock.advance(LOST_MS)
  expect(gone).toEqual([])
  breakOff()
  clock.advance(LOST_MS)
  expect(gone).toEqual(['a'])
})

it('keeps one whose poll was answered, and every other worker', () => {
  presence.began('a')
  presence.ended('a')
  presence.began('b')
  breakOff('b')
  clock.advance(LOST_MS)
  expect(gone).toEqual(['b'])
})

it('leaves no timer behind', () => {
  presence.began('a')
  breakOff()
  presence.close()
  expect(clock.pending).toBe(0)
})

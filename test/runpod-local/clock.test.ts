import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemClock } from '../../runpod-local/clock.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

test.each([0, 2 ** 31 - 1, 2 ** 31, 60 * 86_400_000])(
  'the computer’s clock rings after %i ms and not before',
  (ms) => {
    const ring = vi.fn()
    systemClock.after(ms, ring)
    vi.advanceTimersByTime(Math.max(0, ms - 1))
    expect(ring).toHaveBeenCalledTimes(ms === 0 ? 1 : 0)
    vi.advanceTimersByTime(1)
    expect(ring).toHaveBeenCalledOnce()
  },
)

test('what never rings, or was taken back, leaves no timer', () => {
  systemClock.after(Number.POSITIVE_INFINITY, () => {})
  systemClock.after(Number.NaN, () => {})
  systemClock.after(60 * 86_400_000, () => {})()
  expect(vi.getTimerCount()).toBe(0)
})

/** The clock of the tests in workerd: only Date is faked. */
import { afterEach, beforeEach, vi } from 'vitest'

/** So far in the future that workerd's own alarms never fire: tests fire them manually. */
export const T0 = Date.UTC(2100, 0, 1)
export const SECOND = 1_000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE

export function useFarFutureClock(): void {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'], now: T0 })
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })
}

export function pass(ms: number): void {
  vi.setSystemTime(Date.now() + ms)
}

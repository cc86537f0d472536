import { vi } from 'vitest'

/** Waits until `condition` holds. The timeout is nearly that of a test, since a busy machine may take seconds. */
export const eventually = (condition: () => boolean | Promise<boolean>) =>
  vi.waitUntil(condition, { timeout: 15_000, interval: 5 })

/**
 * The time of the service, by the `Date` of its answers: its instants cannot be compared with a clock of this computer
 * that is wrong.
 */

/** Smaller differences are the whole seconds of the header and the way of the answer. */
const TOLERATED_MS = 5_000

/** By how much the clock of this computer is ahead. */
let aheadMs = 0

/** @param date the `Date` header of an answer that has just arrived */
export function noteDate(date: string | null): void {
  const difference = date === null ? Number.NaN : Date.now() - Date.parse(date)
  if (!Number.isNaN(difference)) aheadMs = Math.abs(difference) > TOLERATED_MS ? difference : 0
}

/** Milliseconds since 1970; the time of this computer before the first answer. */
export function serverNow(): number {
  return Date.now() - aheadMs
}

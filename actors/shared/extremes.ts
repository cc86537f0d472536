/** `Math.min` and `Math.max` of any number of values: as arguments, some hundred thousand of them overflow the stack. */

/** The lowest of the values and `most`. */
export function lowest(most: number, values: Iterable<number>): number {
  let found = most
  for (const value of values) found = Math.min(found, value)
  return found
}

/** The highest of the values and `least`. */
export function highest(least: number, values: Iterable<number>): number {
  let found = least
  for (const value of values) found = Math.max(found, value)
  return found
}

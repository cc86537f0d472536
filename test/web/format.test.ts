import { expect, test } from 'vitest'
import { bytes, span } from '../../web/src/format.ts'

test.each([
  [999, '999 B'],
  [999_499, '999 kB'],
  [999_500, '1.0 MB'],
  [999_949_999, '999.9 MB'],
  [999_950_000, '1.00 GB'],
])('%i bytes are %s: never a thousand of a unit', (size, words) => {
  expect(bytes(size)).toBe(words)
})

test.each([
  [59_000, '59 s'],
  [59_001, '1 min'],
  [3_569_000, '59 min'],
  [3_570_000, '1 h'],
  [47.4 * 3_600_000, '47 h'],
  [47.5 * 3_600_000, '2 days'],
])('%i ms are about %s', (ms, words) => {
  expect(span(ms)).toBe(words)
})

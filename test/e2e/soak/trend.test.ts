/** The evaluation of the soak test, which must be able to fail. */
import { expect, it } from 'vitest'
import type { Sample } from './measure.ts'
import { trendsOf } from './trend.ts'

const sampled = (over: (at: number) => Partial<Sample>) =>
  Array.from({ length: 60 }, (_, at): Sample => {
    return { at, serviceMiB: 500, runpodMiB: 120, handles: 300, liveActors: 20, ...over(at) }
  })
const rising = (samples: readonly Sample[]) =>
  trendsOf(samples).flatMap(({ name, flat }) => (flat ? [] : [name]))

it('finds what stays where it is flat, also when it began lower or swings', () => {
  const swing = (at: number) => ({ serviceMiB: at < 20 ? 300 + 10 * at : 500 + (at % 5) * 10 })
  expect(rising(sampled(swing))).toEqual([])
})

it.each([
  ['serviceMiB', (at: number) => ({ serviceMiB: 500 + 5 * at })],
  ['runpodMiB', (at: number) => ({ runpodMiB: 120 + 2 * at })],
  ['handles', (at: number) => ({ handles: 300 + 4 * at })],
  ['liveActors', (at: number) => ({ liveActors: 20 + at })],
])('finds %s that rises without end', (name, over) => {
  expect(rising(sampled(over))).toEqual([name])
})

it('refuses to judge by too little', () => {
  expect(() => trendsOf(sampled(() => ({})).slice(0, 8))).toThrow('too few samples')
})

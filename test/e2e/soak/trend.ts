/** Whether a figure is stable: compares the median of the last third of the samples with that of the third before. */
import type { Sample } from './measure.ts'

export interface Trend {
  name: string
  before: number
  after: number
  /** The maximum of `after`. */
  limit: number
  flat: boolean
}

/** The tolerance for random differences: a fraction of the figure, plus a constant. */
const SLACK: Record<Exclude<keyof Sample, 'at'>, { share: number; more: number }> = {
  serviceMiB: { share: 0.1, more: 20 },
  runpodMiB: { share: 0.1, more: 15 },
  handles: { share: 0.1, more: 10 },
  liveActors: { share: 0.1, more: 10 },
}

/** One trend for each figure. */
export function trendsOf(samples: readonly Sample[]): Trend[] {
  const third = Math.floor(samples.length / 3)
  if (third < 3) throw new Error('There are too few samples to tell a trend.')
  const middle = samples.slice(third, 2 * third)
  const last = samples.slice(-third)
  return (Object.keys(SLACK) as (keyof typeof SLACK)[]).map((name) => {
    const before = median(middle.map((sample) => sample[name]))
    const after = median(last.map((sample) => sample[name]))
    const limit = before * (1 + SLACK[name].share) + SLACK[name].more
    return { name, before, after, limit, flat: after <= limit }
  })
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

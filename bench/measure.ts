/** The parameters and results of a measure. */
import type { Contenders } from './contenders.ts'
import { type LoadOptions, load } from './http/load.ts'
import type { Series } from './rounds.ts'
import type { Served } from './runtime.ts'
import { quantile } from './statistics.ts'

export interface Context {
  contenders: Contenders
  quick: boolean
  rounds: number
  /** Duration of one turn of load, in milliseconds. */
  sliceMs: number
  say(text: string): void
}

/** The design's target: a ratio to the base, or an absolute figure. */
export interface Target {
  sense: 'at least' | 'at most'
  value: number
  /** The contender to compare with; null for an absolute figure. */
  base: string | null
}

/** One row of the table: the same figure for every contender. */
export interface Row {
  measure: string
  figure: string
  unit: string
  /** The contender under test comes first. */
  series: Series[]
  target: Target | null
  note?: string
}

export type Measure = (context: Context) => Promise<Row[]>

/**
 * The fraction of a turn that precedes it without being measured: the CPU's caches still hold another contender's data.
 */
const LEAD_IN = 0.25

/** One turn of load: requests per second, latencies in ms, and CPU time of the contender's processes per request. */
export async function loadTurn(
  runtime: Served,
  options: Omit<LoadOptions, 'port'>,
): Promise<Record<string, number>> {
  await load({ port: runtime.port, ...options, ms: options.ms * LEAD_IN })
  const before = runtime.cpuSeconds()
  const { requests, elapsedMs, latencies } = await load({ port: runtime.port, ...options })
  const after = runtime.cpuSeconds()
  return {
    'requests/s': (requests * 1000) / elapsedMs,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    ...(before !== null && after !== null && { cpu: ((after - before) * 1000) / requests }),
  }
}

const UNITS: Record<string, string> = {
  'requests/s': '/s',
  'dispatched/s': '/s',
  p50: 'ms',
  p99: 'ms',
  cpu: 'ms/request',
}

/** The figures of `loadTurn` as rows; the target refers to requests per second. */
export function loadRows(measure: string, figures: Record<string, Series[]>, target: Target | null): Row[] {
  return Object.entries(figures).map(([figure, series]) => ({
    measure,
    figure,
    unit: UNITS[figure] ?? '',
    series,
    target: figure === 'requests/s' ? target : null,
  }))
}

/** A figure of the service alone, taken once. @param most the target; null without one */
export function singleRow(
  measure: string,
  figure: string,
  unit: string,
  value: number,
  most: number | null = null,
): Row {
  const target: Target | null = most === null ? null : { sense: 'at most', value: most, base: null }
  return { measure, figure, unit, series: [{ name: 'exportal', rounds: [value] }], target }
}

/** One after the other, from the first again after the last. */
export function pick<T>(all: readonly T[], nth: number): T {
  const one = all[nth % all.length]
  if (one === undefined) throw new Error('There is nothing to pick from.')
  return one
}

/** What a measure is given, and what it answers. */
import type { Contenders } from './contenders.ts'
import { type LoadOptions, load } from './http/load.ts'
import type { Series } from './rounds.ts'
import type { Runtime } from './runtime.ts'
import { quantile } from './statistics.ts'

export interface Context {
  contenders: Contenders
  quick: boolean
  rounds: number
  /** How long one turn of load lasts, in milliseconds. */
  sliceMs: number
  say(text: string): void
}

/** The target of the design: a ratio to the base, or a figure of its own. */
export interface Target {
  sense: 'at least' | 'at most'
  value: number
  /** The contender that is compared with; null: the figure itself must hold. */
  base: string | null
}

/** One row of the table: the same figure of every contender. */
export interface Row {
  measure: string
  figure: string
  unit: string
  /** The contender that is under test comes first. */
  series: Series[]
  target: Target | null
  note?: string
}

export type Measure = (context: Context) => Promise<Row[]>

/** This share of a turn goes before it uncounted: the caches of the processor still hold what another contender did. */
const LEAD_IN = 0.25

/** One turn of load: requests a second, latencies in ms, and processor time of workerd for each request. */
export async function loadTurn(
  runtime: Runtime,
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

const UNITS: Record<string, string> = { 'requests/s': '/s', p50: 'ms', p99: 'ms', cpu: 'ms/request' }

/** The figures of `loadTurn` as rows; the target speaks of requests a second. */
export function loadRows(measure: string, figures: Record<string, Series[]>, target: Target | null): Row[] {
  return Object.entries(figures).map(([figure, series]) => ({
    measure,
    figure,
    unit: UNITS[figure] ?? '',
    series,
    target: figure === 'requests/s' ? target : null,
  }))
}

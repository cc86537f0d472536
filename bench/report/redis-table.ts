/** Exportal compared with BullMQ on Redis: which is faster by how much, and the monthly cost of either. */
import { costsOf, sumOf } from '../cost.ts'
import type { Row } from '../measure.ts'
import type { CountedJob } from '../measures/counts.ts'
import PRICES from '../prices.json' with { type: 'json' }
import { ratioOf } from '../rounds.ts'
import { median } from '../statistics.ts'
import { grid, medianOf, number } from './table.ts'

const EVERY_SECOND = 'redis everysec'
const ALWAYS = 'redis always'
const SECONDS_A_MONTH = (365.25 / 12) * 86_400

/** All figures that were measured for both. For each pair the faster one, and the ratio with its quartiles. */
export function redisTable(rows: readonly Row[]): string {
  const head = [
    'measure',
    'figure',
    'Exportal',
    'fsync every second',
    'fsync always',
    'ahead, fsync every second',
    'ahead, fsync always',
  ]
  const body = rows
    .filter(({ series }) => series.some(({ name }) => name === EVERY_SECOND))
    .map((row) => [
      row.measure,
      row.unit === '' ? row.figure : `${row.figure} (${row.unit})`,
      ...['exportal', EVERY_SECOND, ALWAYS].map((name) => medianOf(row, name)),
      ahead(row, EVERY_SECOND),
      ahead(row, ALWAYS),
    ])
  return grid([head, ...body])
}

function ahead({ series, unit }: Row, name: string): string {
  // Higher rates are better, shorter times are better.
  const [above, below] = unit === '/s' ? ['exportal', name] : [name, 'exportal']
  const own = ratioOf(series, above, below)
  if (own && own.median >= 1)
    return `Exportal, ${number(own.median)} (${number(own.low)}–${number(own.high)})`
  const other = ratioOf(series, below, above)
  return other ? `BullMQ, ${number(other.median)} (${number(other.low)}–${number(other.high)})` : ''
}

/**
 * By number of reports: the number of jobs per month above which Exportal costs more than one rented computer, and how
 * many jobs such a computer could process at a constant load, at the measured rates. Jobs have one watcher and one
 * attempt.
 */
export function monthsTable(rows: readonly Row[], jobs: readonly CountedJob[]): string {
  const reports = rateOf(rows, 'progress report', 'requests/s')
  const creations = rateOf(rows, 'create, dispatched to an instant RunPod', 'dispatched/s')
  const month = PRICES.assumed.computerMonth
  const head = [
    'reports of a job',
    'Exportal, a million jobs',
    `as much as one computer ($${month} a month)`,
    'as much as two',
    'one computer is full at',
    'Exportal for as many',
  ]
  const body = jobs
    .filter(({ name, watchers, attempts }) => name === 'exportal' && watchers === 1 && attempts === 1)
    .map((job) => {
      const dollars = sumOf(costsOf(job)) / 1e6
      const full = SECONDS_A_MONTH / (job.reports / reports + 1 / creations)
      return [
        `${job.reports}${job.line ? ', over a line' : ''}`,
        `$${number(dollars * 1e6)}`,
        `${rounded(month / dollars)} jobs a month`,
        `${rounded((2 * month) / dollars)} jobs a month`,
        Number.isFinite(full) ? `${rounded(full)} jobs a month` : '',
        Number.isFinite(full) ? `$${rounded(full * dollars)} a month` : '',
      ]
    })
  return grid([head, ...body])
}

/** The median of the peer with an fsync every second; NaN when it was not measured. */
function rateOf(rows: readonly Row[], measure: string, figure: string): number {
  const row = rows.find((each) => each.measure === measure && each.figure === figure)
  return median(row?.series.find(({ name }) => name === EVERY_SECOND)?.rounds ?? [])
}

/** Two significant digits: the assumptions are not more precise. */
function rounded(value: number): string {
  return Number(value.toPrecision(2)).toLocaleString('en')
}

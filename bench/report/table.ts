/** Formats rows as an aligned plain-text table, which is also valid Markdown. */
import type { Row, Target } from '../measure.ts'
import { ratioOf } from '../rounds.ts'
import { type Spread, spreadOf } from '../statistics.ts'

/** Titles of the columns by contender. */
const CONTENDERS = {
  exportal: 'Exportal',
  floor: 'floor',
  dutiful: 'floor with duties',
  plain: 'plain design',
  'redis everysec': 'BullMQ, fsync every second',
  'redis always': 'BullMQ, fsync always',
}

/** One line per figure: the medians, the ratio to the base with its quartiles, and whether the target is met. */
export function tableOf(rows: readonly Row[]): string {
  const head = ['measure', 'figure', ...Object.values(CONTENDERS), 'ratio to floor', 'target']
  const body = rows.map((row) => [
    row.measure,
    row.unit === '' ? row.figure : `${row.figure} (${row.unit})`,
    ...Object.keys(CONTENDERS).map((name) => medianOf(row, name)),
    ratioText(row),
    targetText(row),
  ])
  return grid([head, ...body])
}

export function grid([head = [], ...body]: readonly string[][]): string {
  const widths = head.map((title, column) =>
    Math.max(3, title.length, ...body.map((cells) => cells[column]?.length ?? 0)),
  )
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join(' | ')} |`
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`
  return [line(head), rule, ...body.map(line)].join('\n')
}

/** The median of a contender as text; empty when it was not measured. */
export function medianOf(row: Row, name: string): string {
  const series = row.series.find((each) => each.name === name)
  return series ? number(spreadOf(series.rounds).median) : ''
}

function ratioText(row: Row): string {
  const ratio = ratioOf(row.series, 'exportal', 'floor')
  return ratio ? `${number(ratio.median)} (${number(ratio.low)}–${number(ratio.high)})` : ''
}

function targetText(row: Row): string {
  const { target } = row
  if (!target) return ''
  const seen = judged(row, target)
  if (!seen) return ''
  return `${target.sense} ${number(target.value)}: ${holds(target, seen) ? 'met' : 'missed'}`
}

/** The figure that the target refers to: a ratio to its base, or the value itself. */
function judged(row: Row, target: Target): Spread | null {
  if (target.base !== null) return ratioOf(row.series, 'exportal', target.base)
  const own = row.series.find(({ name }) => name === 'exportal')
  return own ? spreadOf(own.rounds) : null
}

export function holds({ sense, value }: Target, { median }: Spread): boolean {
  return sense === 'at least' ? median >= value : median <= value
}

/** Three significant digits, without exponents. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return ''
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.max(Math.abs(value), 1e-9))))
  return value.toFixed(Math.min(4, digits))
}

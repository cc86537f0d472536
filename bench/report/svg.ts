/** The two plots of docs/performance.md, drawn as plain SVG that is legible on light and dark pages. */
import { costsOf, sumOf } from '../cost.ts'
import type { Row } from '../measure.ts'
import type { CountedJob } from '../measures/counts.ts'
import { ratioOf } from '../rounds.ts'
import { holds, number } from './table.ts'

const WIDTH = 860
const LABEL = 270
const ROW = 26
const TEXT = '#768390'
const GOOD = '#2da44e'
const BAD = '#d4a72c'
const COLORS = '#0969da #54aeff #8250df #c297ff #1a7f37 #4ac26b #bf8700 #d4a72c #cf222e #8c959f'.split(' ')

function svg(title: string, height: number, body: string): string {
  const font = 'font-family="system-ui, sans-serif" font-size="12"'
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" ${font} fill="${TEXT}">\n<title>${title}</title>\n${body}\n</svg>\n`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/**
 * Each measure's ratio to the floor with its quartiles, and its target as a mark. A bar is green when the target is
 * met.
 */
export function ratioPlot(rows: readonly Row[]): string {
  const shown = rows.flatMap((row) => {
    const { target } = row
    const ratio = target?.base ? ratioOf(row.series, 'exportal', target.base) : null
    return target && ratio ? [{ row, target, ratio }] : []
  })
  const most = Math.max(2, ...shown.map(({ ratio, target }) => Math.max(ratio.high, target.value)))
  const x = (value: number) => LABEL + (value / most) * (WIDTH - LABEL - 130)
  const lines = shown.map(({ row, target, ratio }, nth) => {
    const y = 30 + nth * ROW
    const color = holds(target, ratio) ? GOOD : BAD
    const width = x(ratio.median) - LABEL
    return [
      `<text x="${LABEL - 8}" y="${y + 13}" text-anchor="end">${escaped(row.measure)}</text>`,
      `<rect x="${LABEL}" y="${y + 2}" width="${width.toFixed(1)}" height="15" fill="${color}"/>`,
      `<path d="M${x(ratio.low).toFixed(1)} ${y + 9.5}H${x(ratio.high).toFixed(1)}" stroke="${TEXT}" stroke-width="2"/>`,
      `<path d="M${x(target.value).toFixed(1)} ${y - 1}V${y + 20}" stroke="#cf222e" stroke-width="2"/>`,
      `<text x="${WIDTH - 4}" y="${y + 13}" text-anchor="end">${number(ratio.median)} (${target.sense} ${number(target.value)})</text>`,
    ].join('\n')
  })
  const title = `<text x="${LABEL}" y="16">ratio to the floor; the red mark is the target, the thin line the quartiles</text>`
  return svg('Ratios to the floor', 40 + shown.length * ROW, [title, ...lines].join('\n'))
}

/** Dollars per million jobs by item, one bar per contender for the case with a budget in the design. */
export function costPlot(jobs: readonly CountedJob[]): string {
  const shown = jobs.filter(
    (job) => job.watchers === 1 && job.reports === 100 && job.attempts === 1 && !job.over,
  )
  const costs = shown.map(costsOf)
  const items = Object.keys(costs[0] ?? {})
  const most = Math.max(1, ...costs.map(sumOf))
  const left = 110
  const scale = (WIDTH - left - 70) / most
  const bars = costs.map((each, nth) => {
    const y = 10 + nth * 34
    let x = left
    const parts = items.map((item, color) => {
      const width = (each[item] ?? 0) * scale
      const part = `<rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="24" fill="${COLORS[color % COLORS.length]}"/>`
      x += width
      return part
    })
    const { name: who, line = false } = shown[nth] ?? {}
    const name = who === 'exportal' ? `Exportal${line ? ', line' : ''}` : 'plain design'
    const label = `<text x="${left - 8}" y="${y + 16}" text-anchor="end">${name}</text>`
    return [
      label,
      ...parts,
      `<text x="${(x + 6).toFixed(1)}" y="${y + 16}">$${sumOf(each).toFixed(0)}</text>`,
    ].join('\n')
  })
  const below = 10 + shown.length * 34
  const legend = items.map((item, nth) => {
    const x = left + (nth % 4) * 185
    const y = below + 12 + Math.floor(nth / 4) * 20
    return `<rect x="${x}" y="${y}" width="11" height="11" fill="${COLORS[nth % COLORS.length]}"/><text x="${x + 16}" y="${y + 10}">${item}</text>`
  })
  return svg(
    'Dollars of a million jobs',
    below + 20 + Math.ceil(items.length / 4) * 20,
    [...bars, ...legend].join('\n'),
  )
}

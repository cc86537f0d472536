/** Writes the results of a run: the tables and plots of docs/performance.md. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import type { Row } from '../measure.ts'
import type { CountedJob } from '../measures/counts.ts'
import { costTable, countsTable } from './counts-table.ts'
import { monthsTable, redisTable } from './redis-table.ts'
import { costPlot, ratioPlot } from './svg.ts'
import { tableOf } from './table.ts'

const ROOT = join(import.meta.dirname, '../..')
const PAGE = join(ROOT, 'docs/performance.md')
const PLOTS = join(ROOT, 'docs/performance')

export interface Results {
  rows: Row[]
  counts: CountedJob[]
}

/** Rewrites the parts between the marks of docs/performance.md; the text around them is written by hand. */
export function writePage({ rows, counts }: Results, startedAt: Date, ms: number): void {
  mkdirSync(PLOTS, { recursive: true })
  writeFileSync(join(PLOTS, 'ratios.svg'), ratioPlot(rows))
  writeFileSync(join(PLOTS, 'costs.svg'), costPlot(counts))
  const run = `Run of ${startedAt.toISOString().slice(0, 16).replace('T', ' ')} UTC, ${Math.round(ms / 1000)} s on ${cpus().length} cores, workerd ${workerd()}.`
  const sections: Record<string, string> = {
    run,
    targets: tableOf(rows.filter(({ target }) => target !== null)),
    figures: tableOf(rows),
    counts: countsTable(counts),
    costs: costTable(counts),
    redis: redisTable(rows),
    months: monthsTable(rows, counts),
  }
  let page = readFileSync(PAGE, 'utf8')
  for (const [name, text] of Object.entries(sections)) {
    const section = new RegExp(`(<!-- bench:${name} -->\\n)[\\s\\S]*?(<!-- /bench -->)`)
    page = page.replace(section, (_whole, from: string, to: string) => `${from}\n${text}\n\n${to}`)
  }
  writeFileSync(PAGE, page)
}

function workerd(): string {
  const bin = join(ROOT, 'node_modules/workerd/package.json')
  const { version }: { version: string } = JSON.parse(readFileSync(bin, 'utf8'))
  return version
}

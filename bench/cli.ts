/**
 * `npm run bench [-- --quick] [-- --only NAME]`: measures the service beside the floor of the platform, the plain
 * design and BullMQ on Redis in a single run, and prints the figures. A complete run also updates docs/performance.md.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Contenders } from './contenders.ts'
import { discardLogs } from './discard-logs.ts'
import type { Context, Measure } from './measure.ts'
import { cold } from './measures/cold.ts'
import { countJobs } from './measures/counts.ts'
import { hostile } from './measures/hostile.ts'
import { journey } from './measures/journey.ts'
import { line } from './measures/line.ts'
import { list } from './measures/list.ts'
import { create, get, report } from './measures/requests.ts'
import { scale } from './measures/scale.ts'
import { fanOut, reconnect } from './measures/sockets.ts'
import { transfer } from './measures/transfer.ts'
import { costTable, countsTable } from './report/counts-table.ts'
import { tableOf } from './report/table.ts'
import { type Results, writePage } from './report/write.ts'

const MEASURES: Record<string, Measure> = {
  report,
  get,
  cold,
  reconnect,
  'fan-out': fanOut,
  journey,
  list,
  transfer,
  scale,
  line,
  hostile,
  // Last, since the service continues to process the thousands of jobs that it creates.
  create,
}
const COUNTS = 'counts'

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string', multiple: true } },
})
const known = [COUNTS, ...Object.keys(MEASURES)]
const names = values.only ?? known
const strangers = names.filter((name) => !known.includes(name))
if (strangers.length > 0) {
  console.error(`There is no measure ${strangers.join(', ')}; there are ${known.join(', ')}.`)
  process.exit(2)
}

const startedAt = new Date()
const dir = await mkdtemp(join(tmpdir(), 'bench-'))
await discardLogs(dir)
const contenders = await Contenders.build(dir)
if (!contenders.hasRedis)
  console.error('NO redis-server here: BullMQ on Redis is SKIPPED, its columns stay empty.')
const context: Context = {
  contenders,
  quick: values.quick,
  // Many short turns, so that other load on the computer affects all contenders of a round equally.
  rounds: values.quick ? 1 : 15,
  sliceMs: values.quick ? 250 : 330,
  say: (text) => console.error(`  ${text}`),
}
const results: Results = { rows: [], counts: [] }
try {
  for (const name of names) {
    console.error(`${name}, after ${Math.round((Date.now() - startedAt.getTime()) / 1000)} s`)
    if (name === COUNTS) results.counts.push(...(await countJobs(context)))
    else results.rows.push(...((await MEASURES[name]?.(context)) ?? []))
  }
} finally {
  await contenders.stop()
  await rm(dir, { recursive: true, force: true })
}

const ms = Date.now() - startedAt.getTime()
if (results.counts.length > 0) {
  console.log(`\nOne job, counted\n\n${countsTable(results.counts)}`)
  console.log(`\nDollars of a million jobs\n\n${costTable(results.counts)}`)
}
if (results.rows.length > 0) console.log(`\n${tableOf(results.rows)}`)
if (!values.quick && values.only === undefined) writePage(results, startedAt, ms)

/**
 * `npm run bench [-- --quick] [-- --only NAME]`: measures the service beside the floor of the platform and beside the
 * plain design, all in this one run, and writes what it saw.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Contenders } from './contenders.ts'
import type { Context, Measure, Row } from './measure.ts'
import { cold } from './measures/cold.ts'
import { journey } from './measures/journey.ts'
import { list } from './measures/list.ts'
import { create, get, report } from './measures/requests.ts'
import { scale } from './measures/scale.ts'
import { fanOut, reconnect } from './measures/sockets.ts'
import { transfer } from './measures/transfer.ts'
import { tableOf } from './report/table.ts'

const MEASURES: Record<string, Measure> = {
  create,
  report,
  get,
  list,
  cold,
  fanOut,
  reconnect,
  journey,
  transfer,
  scale,
}

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string', multiple: true } },
})
const names = values.only ?? Object.keys(MEASURES)
const dir = await mkdtemp(join(tmpdir(), 'bench-'))
const contenders = await Contenders.build(dir)
const context: Context = {
  contenders,
  quick: values.quick,
  rounds: values.quick ? 3 : 7,
  sliceMs: values.quick ? 500 : 1_500,
  say: (text) => console.error(`  ${text}`),
}
const rows: Row[] = []
try {
  for (const name of names) {
    const measure = MEASURES[name]
    if (!measure)
      throw new Error(`There is no measure ${name}; there are ${Object.keys(MEASURES).join(', ')}.`)
    console.error(name)
    rows.push(...(await measure(context)))
  }
  console.log(tableOf(rows))
} finally {
  await contenders.stop()
  await rm(dir, { recursive: true, force: true })
}

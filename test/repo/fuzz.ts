/**
 * `npm run test:fuzz -- [--runs 1000]`: the properties of hostile input with that many cases each, and a new seed; and
 * the counters over that many lives of jobs.
 */
import { spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

const { values } = parseArgs({ options: { runs: { type: 'string', default: '1000' } } })
if (!/^[1-9]\d{0,6}$/.test(values.runs)) throw new Error('--runs must be a whole number from 1')
const root = resolve(import.meta.dirname, '../..')
const vitest = join(root, 'node_modules/vitest/vitest.mjs')
const args = [
  vitest,
  'run',
  '--project',
  'workerd',
  '--testTimeout',
  '3600000',
  'hostile-reports',
  'hostile-lines',
  'hostile-routes',
  'counters',
]
const { status } = spawnSync(process.execPath, args, {
  cwd: root,
  env: { ...process.env, FUZZ_RUNS: values.runs },
  stdio: 'inherit',
})
process.exitCode = status ?? 1

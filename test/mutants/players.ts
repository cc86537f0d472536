/** The two ways to detect a mutant: by the simulation, or by the test file of its promise. */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Mutant, USUAL_RUNS } from './mutant.ts'

export interface Verdict {
  /** What detected the mutant; null when it survived. */
  readonly noticed: string | null
  /** Whether the run was complete and nothing was detected. */
  readonly healthy: boolean
  readonly output: string
}

export interface Player {
  takes(mutant: Mutant, quick: boolean): boolean
  play(folder: string, mutant: Mutant, quick: boolean): Promise<Verdict>
}

const SEED = 1
const FEW_RUNS = 4_000
const SIMULATION_MS = 30 * 60_000
const TEST_MS = 180_000

/** `quick` runs fewer simulations, and omits mutants that only many runs detect. */
const simulation: Player = {
  takes: ({ runs }, quick) => runs !== undefined && !(quick && runs > USUAL_RUNS),
  async play(folder, { runs = USUAL_RUNS }, quick) {
    const args = ['--runs', String(quick ? FEW_RUNS : runs), '--seed', String(SEED), '--threads', '1']
    const output = await run(folder, ['test/simulation/cli.ts', ...args], SIMULATION_MS)
    const noticed = /^BROKEN: (.*)$/m.exec(output)?.[1] ?? null
    return { noticed, healthy: output.includes('every promise was kept'), output }
  },
}

const tests: Player = {
  takes: ({ test }) => test !== undefined,
  async play(folder, { test = '' }) {
    const report = join(folder, `report-${test.replaceAll('/', '-')}.json`)
    const args = ['run', '--project', projectOf(test), test, '--bail=1']
    const vitest = 'node_modules/vitest/vitest.mjs'
    const output = await run(folder, [vitest, ...args, '--reporter=json', `--outputFile=${report}`], TEST_MS)
    return { ...readReport(report), output }
  },
}

export const PLAYERS = new Map<string, Player>([
  ['simulation', simulation],
  ['tests', tests],
])

/** The project of vitest.config.ts that runs a file. */
function projectOf(test: string): string {
  if (/^test\/(core|lane|shared|simulation)\//.test(test)) return 'core'
  return /^test\/(actor|http)\//.test(test) ? 'workerd' : 'node'
}

interface Report {
  readonly numTotalTests: number
  readonly success: boolean
  readonly testResults: readonly {
    readonly assertionResults: readonly { fullName: string; status: string }[]
  }[]
}

/** A run without a report has detected nothing. */
function readReport(path: string): Omit<Verdict, 'output'> {
  if (!existsSync(path)) return { noticed: null, healthy: false }
  const { success, numTotalTests, testResults }: Report = JSON.parse(readFileSync(path, 'utf8'))
  rmSync(path)
  const results = testResults.flatMap(({ assertionResults }) => assertionResults)
  const failed = results.find(({ status }) => status === 'failed')
  return { noticed: failed?.fullName ?? null, healthy: success && numTotalTests > 0 }
}

/** The output of Node, started in the folder. */
function run(folder: string, args: readonly string[], mostMs: number): Promise<string> {
  const child = spawn(process.execPath, args, { cwd: folder, detached: true })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text) => {
      output += text
    })
  }
  // A broken alarm may fire endlessly, and the runtime is a grandchild process: the whole group is killed.
  const timer = setTimeout(() => {
    output += `\nIt did not end within ${mostMs / 1_000} s.`
    if (child.pid) process.kill(-child.pid, 'SIGKILL')
  }, mostMs)
  return new Promise((settle) =>
    child.once('close', () => {
      clearTimeout(timer)
      settle(output)
    }),
  )
}

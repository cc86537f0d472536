/**
 * `node test/core/mutants/cli.ts [part of a name] [--quick]` breaks a copy of the core in one small way after the other and
 * plays the simulation against it. A mutant that no run notices survives, and ends the program with 1: either the
 * simulation is blind there, or the line that was broken is not needed. `--quick` plays fewer runs, and leaves out the
 * mutants that come to light only in many.
 */
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { Mutant } from './mutant.ts'
import { MUTANTS_OF_THE_CORE } from './of-the-core.ts'
import { MUTANTS_OF_THE_WORLD } from './of-the-world.ts'

const ROOT = resolve(import.meta.dirname, '../../..')
const COPIED = ['actors/export-job/core', 'test/core/simulation', 'test/support/node', 'package.json']
const RUNS = 30_000
const FEW_RUNS = 4_000
const SEED = 1

interface Verdict {
  readonly mutant: Mutant
  /** The promise that gave it away; null when it survived. */
  readonly broken: string | null
  readonly output: string
}

const HEALTHY: Mutant = {
  name: 'unchanged',
  file: 'package.json',
  search: '"exportal"',
  replace: '"exportal"',
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false } },
})
process.exitCode = await main(positionals[0] ?? '', values.quick)

async function main(wanted: string, quick: boolean): Promise<number> {
  const healthy = await play(HEALTHY)
  if (healthy.broken !== null || !healthy.output.includes('every promise was kept')) {
    console.log(`the unchanged core does not keep its promises:\n${healthy.output}`)
    return 1
  }
  const startedAt = performance.now()
  const all = [...MUTANTS_OF_THE_CORE, ...MUTANTS_OF_THE_WORLD]
  const queue = all.filter(({ name, runs }) => name.includes(wanted) && !(quick && runs !== undefined))
  const verdicts: Verdict[] = []
  const lane = async () => {
    for (let mutant = queue.shift(); mutant; mutant = queue.shift()) {
      const verdict = await play(mutant)
      verdicts.push(verdict)
      console.log(
        `${verdict.broken ? 'killed  ' : 'SURVIVED'}  ${mutant.name}${verdict.broken ? `  (${verdict.broken})` : ''}`,
      )
    }
  }
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, lane))
  const survivors = verdicts.filter(({ broken }) => broken === null)
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0)
  console.log(`\n${verdicts.length - survivors.length} of ${verdicts.length} mutants killed in ${seconds} s`)
  for (const { mutant, output } of survivors) console.log(`\n${mutant.name}\n${output}`)
  return survivors.length === 0 ? 0 : 1
}

async function play(mutant: Mutant): Promise<Verdict> {
  const folder = mkdtempSync(join(tmpdir(), 'mutant-'))
  try {
    for (const part of COPIED) cpSync(join(ROOT, part), join(folder, part), { recursive: true })
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
    patch(join(folder, mutant.file), mutant)
    const output = await simulate(folder, mutant.runs ?? (values.quick ? FEW_RUNS : RUNS))
    const broken = /^BROKEN: (.*)$/m.exec(output)?.[1] ?? null
    return { mutant, broken, output }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function patch(path: string, { name, search, replace }: Mutant): void {
  const source = readFileSync(path, 'utf8')
  const found = source.split(search).length - 1
  if (found !== 1) throw new Error(`"${name}": its text stands ${found} times in ${path}`)
  writeFileSync(
    path,
    source.replace(search, () => replace),
  )
}

function simulate(folder: string, runs: number): Promise<string> {
  const cli = join(folder, 'test/core/simulation/cli.ts')
  const child = spawn(process.execPath, [
    cli,
    '--runs',
    String(runs),
    '--seed',
    String(SEED),
    '--threads',
    '1',
  ])
  let output = ''
  child.stdout.on('data', (text) => {
    output += text
  })
  child.stderr.on('data', (text) => {
    output += text
  })
  return new Promise((resolve) => child.on('close', () => resolve(output)))
}

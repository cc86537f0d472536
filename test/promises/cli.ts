/**
 * `npm run test:promises [-- part of a name]`: breaks each promise in a copy of the repository, in one small way for
 * each test file that holds it, and runs that file. A mutant that its file does not notice survives, and the program
 * ends with 1: the promise would be a claim.
 */
import { execFileSync, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Proof } from './promised.ts'
import { PROMISES, projectOf } from './promises.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const TEST_MS = 180_000

const wanted = process.argv[2] ?? ''
const queue = PROMISES.flatMap(({ number, proofs }) => proofs.map((proof) => ({ number, proof }))).filter(
  ({ proof }) => proof.mutant.name.includes(wanted) || proof.test.includes(wanted),
)
const total = queue.length
const startedAt = performance.now()
let survivors = 0
await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, lane))
const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0)
console.log(`\n${total - survivors} of ${total} broken promises were noticed, in ${seconds} s`)
process.exitCode = survivors === 0 ? 0 : 1

async function lane(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'exportal-promises-'))
  try {
    copyInto(folder)
    for (let next = queue.shift(); next; next = queue.shift()) {
      const { number, proof } = next
      const verdict = await play(folder, proof)
      if (verdict !== 'noticed') survivors++
      const mark = verdict === 'noticed' ? 'noticed ' : 'SURVIVED'
      console.log(
        `${mark}  ${number}. ${proof.mutant.name}  (${proof.test}${verdict === 'noticed' ? '' : `: ${verdict}`})`,
      )
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What git would commit, with the packages of this checkout. */
function copyInto(folder: string): void {
  const list = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  for (const file of list.split('\0').filter(Boolean)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    cpSync(join(ROOT, file), join(folder, file))
  }
  for (const made of ['node_modules', 'web/dist']) symlinkSync(join(ROOT, made), join(folder, made))
}

/** Breaks the copy, runs the file, and mends the copy again. */
async function play(folder: string, { test, mutant }: Proof): Promise<string> {
  const path = join(folder, mutant.file)
  const source = readFileSync(path, 'utf8')
  writeFileSync(
    path,
    source.replace(mutant.search, () => mutant.replace),
  )
  try {
    return await run(folder, test)
  } finally {
    writeFileSync(path, source)
  }
}

/** `noticed` when a test of the file failed; a file that could not be run has noticed nothing. */
function run(folder: string, test: string): Promise<string> {
  const report = join(folder, `report-${test.replaceAll('/', '-')}.json`)
  const args = [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--project', projectOf(test), test]
  const child = spawn(process.execPath, [...args, '--reporter=json', `--outputFile=${report}`], {
    cwd: folder,
    stdio: 'ignore',
    detached: true,
  })
  // A broken alarm may ring for ever, and its runtime is a child of the child: the whole group goes.
  const timer = setTimeout(() => {
    if (child.pid) process.kill(-child.pid, 'SIGKILL')
  }, TEST_MS)
  return new Promise((settle) =>
    child.once('close', () => {
      clearTimeout(timer)
      settle(verdictOf(report))
    }),
  )
}

function verdictOf(report: string): string {
  try {
    const { numFailedTests, numTotalTests } = JSON.parse(readFileSync(report, 'utf8')) as Record<
      string,
      number
    >
    if (!numTotalTests) return 'it did not run'
    return numFailedTests ? 'noticed' : 'every test passed'
  } catch {
    return 'it did not end'
  }
}

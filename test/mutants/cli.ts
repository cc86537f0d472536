/**
 * `npm run test:mutants [-- part of a name] [--quick]` and `npm run test:promises` apply one mutant after the other to
 * a copy of the repository, and run the simulation against it, or the test file of its promise. An undetected mutant
 * survives, and ends the program with 1: the tests do not cover that line, or the line is not needed.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { BrokenCopy } from './broken-copy.ts'
import { type Mutant, USUAL_RUNS } from './mutant.ts'
import { PLAYERS, type Verdict } from './players.ts'
import { MUTANTS } from './register.ts'

/** A run without a mutation, in which nothing may be detected. */
const UNCHANGED: Mutant = {
  name: 'unchanged',
  test: 'test/actor/cancel.test.ts',
  runs: USUAL_RUNS,
  file: 'package.json',
  search: '"exportal"',
  replace: '"exportal"',
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false } },
})
process.exitCode = await main(positionals[0] ?? '', positionals[1] ?? '', values.quick)

async function main(by: string, wanted: string, quick: boolean): Promise<number> {
  const player = PLAYERS.get(by)
  if (!player) throw new Error(`Say who is to notice the mutants: ${[...PLAYERS.keys()].join(' or ')}.`)
  const queue = MUTANTS.filter(
    ({ name, test }) => name.includes(wanted) || (by === 'tests' && test?.includes(wanted)),
  ).filter((mutant) => player.takes(mutant, quick))
  const verdicts: (Verdict & { mutant: Mutant })[] = []
  const startedAt = performance.now()
  const control = new BrokenCopy()
  const { healthy, output } = await control.with(UNCHANGED, (folder) => player.play(folder, UNCHANGED, quick))
  if (!healthy) {
    control.remove()
    console.log(`what is not broken is not found whole:\n${output}`)
    return 1
  }
  const lane = async (copy = new BrokenCopy()) => {
    try {
      for (let mutant = queue.shift(); mutant; mutant = queue.shift()) {
        const { promise, name } = mutant
        const verdict = await copy.with(mutant, (folder) => player.play(folder, mutant, quick))
        verdicts.push({ ...verdict, mutant })
        const { noticed } = verdict
        const number = by === 'tests' && promise ? `${promise}. ` : ''
        console.log(
          `${noticed ? 'noticed ' : 'SURVIVED'}  ${number}${name}${noticed ? `  (${noticed})` : ''}`,
        )
      }
    } finally {
      copy.remove()
    }
  }
  const more = Math.min(4, availableParallelism()) - 1
  await Promise.all([lane(control), ...Array.from({ length: more }, () => lane())])
  const survivors = verdicts.filter(({ noticed }) => noticed === null)
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0)
  console.log(
    `\n${verdicts.length - survivors.length} of ${verdicts.length} mutants were noticed, in ${seconds} s`,
  )
  for (const { mutant, output } of survivors) console.log(`\n${mutant.name}\n${output}`)
  return survivors.length === 0 ? 0 : 1
}

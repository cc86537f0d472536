/**
 * `npm run verify [-- --quick] [-- --from NAME]`: every proof that is too slow for `npm test`, one after the other, and
 * how long each took. `--quick` is what each change must pass; without it each runs in full, which takes an hour.
 */
import { spawn } from 'node:child_process'
import { parseArgs } from 'node:util'
import { ROOT } from './stack.ts'

interface Step {
  name: string
  /** Arguments of `npm run`; null leaves the step out. */
  quick: readonly string[] | null
  full: readonly string[]
}

const STEPS: readonly Step[] = [
  {
    name: 'deploy',
    quick: ['deploy', '--', '--env', 'production', '--dry-run'],
    full: ['deploy', '--', '--env', 'production', '--dry-run'],
  },
  { name: 'openapi', quick: ['lint:openapi'], full: ['lint:openapi'] },
  { name: 'gpu-worker', quick: ['test:gpu-worker'], full: ['test:gpu-worker'] },
  { name: 'media', quick: ['test:media'], full: ['test:media'] },
  {
    name: 'simulation',
    quick: ['test:simulate', '--', '--runs', '2000'],
    full: ['test:simulate', '--', '--runs', '20000'],
  },
  { name: 'walk', quick: ['test:walk'], full: ['test:walk'] },
  { name: 'mutants', quick: ['test:mutants', '--', '--quick'], full: ['test:mutants'] },
  { name: 'promises', quick: ['test:promises'], full: ['test:promises'] },
  { name: 'api', quick: null, full: ['test:api'] },
  { name: 'fuzz', quick: null, full: ['test:fuzz', '--', '--runs', '2000'] },
  { name: 'browser', quick: ['test:browser'], full: ['test:browser'] },
  { name: 'figures', quick: null, full: ['test:figures'] },
  { name: 'crash', quick: null, full: ['test:crash'] },
  { name: 'chaos', quick: ['test:chaos', '--', '--jobs', '20', '--kills', '3'], full: ['test:chaos'] },
  { name: 'large', quick: null, full: ['test:large'] },
  {
    name: 'soak',
    quick: ['test:soak', '--', '--minutes', '1'],
    full: ['test:soak', '--', '--minutes', '10'],
  },
  { name: 'bench', quick: ['bench', '--', '--quick'], full: ['bench'] },
  { name: 'fresh', quick: ['test:fresh', '--', '--quick'], full: ['test:fresh'] },
]

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, from: { type: 'string', default: '' } },
})
const first = Math.max(
  0,
  STEPS.findIndex(({ name }) => name === values.from),
)
const took: string[] = []
for (const step of STEPS.slice(first)) {
  const args = values.quick ? step.quick : step.full
  if (args === null) continue
  console.log(`\n=== ${step.name}: npm run ${args.join(' ')}`)
  const startedAt = performance.now()
  const code = await run(args)
  took.push(`${step.name.padEnd(12)} ${((performance.now() - startedAt) / 1000).toFixed(0).padStart(5)} s`)
  if (code === 0) continue
  console.error(
    `\n${step.name} failed. Again from here: npm run verify -- ${values.quick ? '--quick ' : ''}--from ${step.name}`,
  )
  process.exitCode = 1
  break
}
console.log(`\n${took.join('\n')}`)

function run(args: readonly string[]): Promise<number> {
  const child = spawn('npm', ['run', ...args], { cwd: ROOT, stdio: 'inherit' })
  return new Promise((settle) => child.once('close', (code) => settle(code ?? 1)))
}

/**
 * `npm run verify [-- --quick] [-- --from NAME]`: runs every test that is too slow for `npm test`, and prints their
 * durations. `--quick` is required for each change; a full run takes an hour. They run one after another, except those
 * that mostly wait: these run beside the others, and end before anything is timed.
 */
import { spawn } from 'node:child_process'
import { parseArgs } from 'node:util'
import { ROOT } from './wrangler.ts'

interface Step {
  name: string
  /** Arguments of `npm run`; null leaves the step out. */
  quick: readonly string[] | null
  full: readonly string[]
  /** Spends its time on timers and kills rather than on computing. */
  waits?: true
  /** Measures time, so nothing may run beside it. */
  timed?: true
}

interface Outcome {
  name: string
  seconds: number
  failed: boolean
}

const STEPS: readonly Step[] = [
  {
    name: 'deploy',
    quick: ['deploy', '--', '--dry-run'],
    full: ['deploy', '--', '--dry-run'],
  },
  {
    name: 'rehearsal',
    // The first and the second deployment; the failures in between take minutes more.
    quick: ['test:deploy', '--', 'rehearsal', '-t', 'goes from an empty account'],
    full: ['test:deploy'],
  },
  { name: 'openapi', quick: ['lint:openapi'], full: ['lint:openapi'] },
  { name: 'package', quick: ['test:package'], full: ['test:package'] },
  { name: 'gpu-worker', quick: ['test:gpu-worker'], full: ['test:gpu-worker'] },
  { name: 'media', quick: ['test:media'], full: ['test:media'] },
  {
    name: 'simulation',
    quick: ['test:simulate', '--', '--runs', '1500', '--seed', '753395283'],
    full: ['test:simulate', '--', '--runs', '20000'],
  },
  { name: 'states', quick: ['test:states'], full: ['test:states'] },
  { name: 'mutants', quick: ['test:mutants', '--', '--quick'], full: ['test:mutants'] },
  { name: 'promises', quick: ['test:promises'], full: ['test:promises'] },
  { name: 'api', quick: null, full: ['test:api'] },
  { name: 'generated', quick: null, full: ['test:generated'] },
  { name: 'fuzz', quick: null, full: ['test:fuzz', '--', '--runs', '2000'] },
  {
    name: 'browser',
    // All pages take a quarter of an hour: these cover a first visit up to a finished file and its list.
    quick: ['test:browser', '--', 'canvas', 'player', 'list'],
    full: ['test:browser'],
    timed: true,
  },
  { name: 'figures', quick: null, full: ['test:figures'], timed: true },
  { name: 'crash', quick: null, full: ['test:crash'], waits: true },
  { name: 'lanes', quick: null, full: ['test:lanes'], waits: true },
  {
    name: 'chaos',
    quick: ['test:chaos', '--', '--jobs', '20', '--kills', '3'],
    full: ['test:chaos'],
    waits: true,
  },
  { name: 'large', quick: null, full: ['test:large'] },
  {
    name: 'soak',
    quick: ['test:soak', '--', '--minutes', '1'],
    full: ['test:soak', '--', '--minutes', '10'],
    waits: true,
  },
  { name: 'bench', quick: ['bench', '--', '--quick'], full: ['bench'], timed: true },
  { name: 'fresh', quick: ['test:fresh', '--', '--quick'], full: ['test:fresh'] },
]

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, from: { type: 'string', default: '' } },
})
const first = Math.max(
  0,
  STEPS.findIndex(({ name }) => name === values.from),
)
const steps = STEPS.slice(first).filter((step) => argsOf(step) !== null)
const outcomes: Outcome[] = []
const waiting = lane(steps.filter(({ waits }) => waits))
await lane(steps.filter(({ waits, timed }) => !waits && !timed))
await waiting
await lane(steps.filter(({ timed }) => timed))
for (const { name, seconds } of outcomes)
  console.log(`${name.padEnd(12)} ${seconds.toFixed(0).padStart(5)} s`)
const failed = outcomes.filter((each) => each.failed).map(({ name }) => name)
if (failed.length > 0) {
  const again = `npm run verify -- ${values.quick ? '--quick ' : ''}--from NAME`
  console.error(`\nFailed: ${failed.join(', ')}. To go on from one: ${again}`)
  process.exitCode = 1
}

function argsOf({ quick, full }: Step): readonly string[] | null {
  return values.quick ? quick : full
}

/** Runs the steps one after another; none is started after a failure. */
async function lane(steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    const args = argsOf(step)
    if (args === null || outcomes.some(({ failed }) => failed)) continue
    const startedAt = performance.now()
    const { code, output } = await run(args, step.waits === true)
    const seconds = (performance.now() - startedAt) / 1_000
    if (output) console.log(`\n=== ${step.name}, which ran beside the others\n${output}`)
    outcomes.push({ name: step.name, seconds, failed: code !== 0 })
  }
}

/** The output of a step that runs beside others is printed at its end. */
function run(args: readonly string[], beside: boolean): Promise<{ code: number; output: string }> {
  if (!beside) console.log(`\n=== npm run ${args.join(' ')}`)
  const child = spawn('npm', ['run', ...args], { cwd: ROOT, stdio: beside ? 'pipe' : 'inherit' })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (text) => {
      output += text
    })
  }
  return new Promise((settle) => child.once('close', (code) => settle({ code: code ?? 1, output })))
}

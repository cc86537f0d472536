/**
 * `npm run test:soak -- [--minutes 10] [--seed N] [--report soak-report.json]`: steady jobs, watchers and uploads. In
 * the first third the service and runpod-local are killed now and then; after that nothing is, and memory, actors in
 * memory and open handles must stay where they are. Then no alarm may be overdue, and every job must have ended.
 *
 * Memory is what the system says of workerd, which keeps what actors gave back: it levels off after about a thousand of
 * them, of a bare object as of this service's, so that of a run between 2 and 8 minutes it may say "not flat".
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { freePort, Stack } from '../../../scripts/stack.ts'
import { Chance } from '../../support/chance.ts'
import { World } from '../chaos/world.ts'
import { steadyLoad, type Tally } from './load.ts'
import { countAlarms, measure, type Sample } from './measure.ts'
import { type Trend, trendsOf } from './trend.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    report: { type: 'string', default: 'soak-report.json' },
  },
})
const totalMs = Number(values.minutes) * 60_000
if (!(totalMs >= 30_000)) throw new Error('--minutes must be at least 0.5')
const SPACING_MS = 700
/** The time a job may need after a kill until its watcher sees progress again. */
const OVERDUE_MS = 15_000

interface Report {
  minutes: number
  seed: number
  kills: number
  tally: Tally
  trends: Trend[]
  alarms: { all: number; overdue: number }
  samples: Sample[]
  wrong: string[]
}

async function main(): Promise<boolean> {
  if (process.platform !== 'linux') {
    console.warn('SKIPPED: the soak reads memory and handles from /proc, which only Linux has.')
    return true
  }
  const seed = Number(values.seed)
  const stateDir = await mkdtemp(join(tmpdir(), 'exportal-soak-'))
  const stack = new Stack({
    stateDir,
    servicePort: await freePort(0),
    runpodPort: await freePort(0),
    runpodEnv: {
      RUNPOD_LOCAL_WORKER: 'noop',
      RUNPOD_LOCAL_WORKERS: '4',
      RUNPOD_LOCAL_NOOP_REPORTS: '5',
      RUNPOD_LOCAL_NOOP_INTERVAL_MS: '200',
      RUNPOD_LOCAL_LOST_WORKER_MS: '3000',
    },
  })
  const world = new World(stack, new Chance(seed))
  try {
    await stack.start()
    const startedAt = Date.now()
    const elapsed = () => Date.now() - startedAt
    const load = steadyLoad(stack.url, SPACING_MS, () => elapsed() >= totalMs)
    await strikes(world, () => elapsed() >= totalMs / 3)
    const samples: Sample[] = []
    const calmAt = Date.now()
    while (elapsed() < totalMs) {
      samples.push(measure(stack, Math.round((Date.now() - calmAt) / 1000)))
      await pause(1_000)
    }
    const tally = await load
    await pause(2_000)
    await stack.stop()
    const alarms = countAlarms(stateDir, Date.now(), OVERDUE_MS)
    const trends = trendsOf(samples)
    const wrong = findings(tally, trends, alarms)
    const minutes = totalMs / 60_000
    return await tell({ minutes, seed, kills: world.kills, tally, trends, alarms, samples, wrong })
  } finally {
    await stack.stop()
    await rm(stateDir, { recursive: true, force: true })
  }
}

/** Kills one of the two every few seconds. */
async function strikes(world: World, over: () => boolean): Promise<void> {
  while (!over()) {
    await pause(5_000)
    if (!over()) await world.strike()
  }
}

function findings(tally: Tally, trends: readonly Trend[], alarms: Report['alarms']): string[] {
  return [
    ...tally.failed.map((what) => `an export failed: ${what}`),
    ...(tally.complete === 0 ? ['no export was completed'] : []),
    ...trends.filter(({ flat }) => !flat).map(({ name }) => `${name} is not flat`),
    ...(alarms.overdue > 0 ? [`${alarms.overdue} alarms are overdue`] : []),
    ...(alarms.all > tally.created ? [`${alarms.all} alarms for ${tally.created} jobs`] : []),
  ]
}

async function tell(report: Report): Promise<boolean> {
  const { tally, trends, alarms, kills, wrong, minutes, seed } = report
  await writeFile(values.report, `${JSON.stringify(report, null, 2)}\n`)
  console.log(`${minutes} min, seed ${seed}, ${kills} kills: ${tally.created} exports created`)
  console.log(`${tally.complete} completed, ${tally.deleted} deleted, ${tally.failed.length} failed`)
  console.log(`slowest     ${tally.slowest.seconds.toFixed(0)} s, ${tally.slowest.id}`)
  for (const { name, before, after, limit, flat } of trends) {
    const figures = [before, after, limit].map((figure) => figure.toFixed(0).padStart(6))
    console.log(
      `${name.padEnd(12)}${figures[0]} ->${figures[1]}  (at most${figures[2]})${flat ? '' : '  NOT FLAT'}`,
    )
  }
  console.log(`alarms      ${alarms.all} set, ${alarms.overdue} overdue`)
  for (const each of wrong) console.log(`WRONG: ${each}`)
  console.log(`${wrong.length === 0 ? 'All flat' : 'FAILED'}; report in ${values.report}`)
  return wrong.length === 0
}

process.exitCode = (await main()) ? 0 : 1

/**
 * `node test/simulation/cli.ts --runs 20000 --seed 1 [--threads 2]` plays that many runs, one for each seed from the
 * given one on. On a broken promise it prints the command that repeats the run, the smallest plan that also breaks a
 * promise, and the events of that run; it then ends with 1.
 */
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import type { Finding } from './run.ts'
import { runSeeds, type Tally } from './tally.ts'

interface Share {
  readonly first: number
  readonly runs: number
}

type Result = { readonly finding: Finding | null; readonly tally: Tally }

if (isMainThread) process.exitCode = await main()
else parentPort?.postMessage(await work(workerData as Share))

function work({ first, runs }: Share): Promise<Result> {
  return runSeeds(first, runs)
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '20000' },
      seed: { type: 'string' },
      threads: { type: 'string', default: '2' },
    },
  })
  const runs = Number(values.runs)
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 30) : Number(values.seed)
  const threads = Math.max(1, Math.min(Number(values.threads), runs))
  const startedAt = performance.now()
  const results = await Promise.all(sharesOf(seed, runs, threads).map(play))
  const seconds = (performance.now() - startedAt) / 1_000

  const total = sum(results.map(({ tally }) => tally))
  const played = total.runs ?? 0
  console.log(
    `seed ${seed}, ${played} runs in ${seconds.toFixed(1)} s, ${Math.round(played / seconds)} runs/s`,
  )
  console.log(
    `  ${Object.entries(total)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')}`,
  )
  const findings = results.flatMap(({ finding }) => (finding ? [finding] : []))
  for (const finding of findings) tell(finding)
  if (findings.length === 0) console.log('every promise was kept')
  return findings.length === 0 ? 0 : 1
}

function sharesOf(seed: number, runs: number, threads: number): Share[] {
  const each = Math.ceil(runs / threads)
  return Array.from({ length: threads }, (_, i) => ({
    first: seed + i * each,
    runs: Math.max(0, Math.min(each, runs - i * each)),
  }))
}

function play(share: Share): Promise<Result> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: share })
    worker.on('message', resolve)
    worker.on('error', reject)
  })
}

function sum(tallies: Tally[]): Tally {
  const total: Tally = {}
  for (const tally of tallies) {
    for (const [name, count] of Object.entries(tally)) total[name] = (total[name] ?? 0) + count
  }
  return total
}

function tell({ seed, broken, plan, trace }: Finding): void {
  console.log(`\nBROKEN: ${broken}`)
  console.log(`  node test/simulation/cli.ts --runs 1 --seed ${seed}`)
  console.log(`  the smallest plan found: ${JSON.stringify(plan)}`)
  for (const line of trace) console.log(`  ${line}`)
}

/** Plays a row of seeds and counts what came up, so that a run that tests nothing does not go unnoticed. */
import { type Finding, type Outcome, runSeed } from './run.ts'

export type Tally = Record<string, number>

/** Stops at the first broken promise. */
export function runSeeds(first: number, runs: number): { finding: Finding | null; tally: Tally } {
  const tally: Tally = { runs: 0 }
  for (let seed = first; seed < first + runs; seed++) {
    const finding = runSeed(seed, (outcome) => count(tally, outcome))
    if (finding) return { finding, tally }
  }
  return { finding: null, tally }
}

function count(tally: Tally, { world }: Outcome): void {
  const add = (name: string, by = 1) => {
    tally[name] = (tally[name] ?? 0) + by
  }
  const { watch } = world
  add('runs')
  add('alarms', watch.rings)
  add('deaths', world.deaths)
  add('lost alarms', world.alarmsLost)
  for (const line of watch.lines) if (COUNTED.has(line)) add(line)
  if (watch.left) add(watch.left)
}

const COUNTED = new Set([
  'attempt_started',
  'attempt_failed',
  'dispatch_ambiguous',
  'late_report',
  'output_found',
  'cancel_unconfirmed',
  'cancel_confirmed',
  'retried',
  'complete',
  'error',
  'cancelled',
  'webhook_delivered',
  'webhook_failed',
  'webhook_given_up',
  'webhook_refused',
  'webhook_redelivery_requested',
])

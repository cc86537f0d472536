/** Plays a series of seeds and counts what occurred, so that runs that test nothing are detected. */
import { type Finding, type Outcome, runSeed } from './run.ts'

export type Tally = Record<string, number>

/** Stops at the first broken promise. */
export async function runSeeds(
  first: number,
  runs: number,
): Promise<{ finding: Finding | null; tally: Tally }> {
  const tally: Tally = { runs: 0 }
  for (let seed = first; seed < first + runs; seed++) {
    const finding = await runSeed(seed, (outcome) => count(tally, outcome))
    if (finding) return { finding, tally }
  }
  return { finding: null, tally }
}

function count(tally: Tally, { town }: Outcome): void {
  const add = (name: string, by = 1) => {
    tally[name] = (tally[name] ?? 0) + by
  }
  add('runs')
  add('deaths of lanes', town.lane.deaths)
  for (const { watch, deaths, alarmsLost, linesOpened, linesCut } of town.worlds) {
    add('jobs')
    add('alarms', watch.rings)
    add('deaths', deaths)
    add('lost alarms', alarmsLost)
    add('lines', linesOpened)
    add('lines cut', linesCut)
    add('deaths on a line', watch.deathsOnLines)
    add('overtaken', watch.overtaken)
    for (const line of watch.lines) if (COUNTED.has(line)) add(line)
    if (watch.left) add(watch.left)
  }
}

const COUNTED = new Set([
  'attempt_started',
  'attempt_failed',
  'dispatch_ambiguous',
  'refused_again',
  'dispatch_held',
  'place_awaited',
  'lane_bypassed',
  'late_report',
  'line_lost',
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

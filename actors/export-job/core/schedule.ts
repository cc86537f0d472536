/** Computes the next alarm: the earliest of all clocks of the state, the deadline and the debts. */
import { BREAKER } from './breaker.ts'
import { type Clock, deadlineClocks } from './clock.ts'
import { debtClocks } from './debts/index.ts'
import type { Job } from './job.ts'
import { stateOf } from './states/index.ts'

/** All clocks of this job, unordered. An ended job without debts has only its retention. */
export function clocks(job: Job): Clock[] {
  const { phase } = job
  if (phase.status === 'gone') return []
  return stateOf(phase).clocks(phase, job).concat(deadlineClocks(job), debtClocks(job))
}

/** The earliest of all clocks, delayed while the breaker is tripped; null when nothing will be due. */
export function wakeAt(job: Job): number | null {
  const natural = naturalWakeAt(job)
  if (natural === null) return null
  return job.breaker.tripped ? Math.max(natural, job.breaker.at + BREAKER.spacingMs) : natural
}

export function naturalWakeAt(job: Job): number | null {
  let at: number | null = null
  for (const clock of clocks(job)) if (at === null || clock.at < at) at = clock.at
  return at
}

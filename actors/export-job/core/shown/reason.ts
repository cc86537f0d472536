/** Explains the current state of a job and its next action: whole sentences with absolute instants, for people. */
import { iso } from '../iso.ts'
import type { Job } from '../job.ts'
import { clocks } from '../schedule.ts'
import { stateOf } from '../states/index.ts'

export function reasonOf(job: Job): string {
  return stateOf(job.phase).words(job, job.phase)
}

/** The next clock that is relevant to people; housekeeping is returned only if there is no other clock. */
export function nextActionOf(job: Job): { at: string; what: string } | null {
  const all = clocks(job).sort((a, b) => a.at - b.at)
  const next = all.find((clock) => !clock.isHousekeeping) ?? all[0]
  return next ? { at: iso(next.at), what: next.what } : null
}

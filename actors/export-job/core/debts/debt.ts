/**
 * The interface of a debt: an action towards an external system that the alarm tries with a backoff until it succeeds.
 */
import type { Clock } from '../clock.ts'
import type { Draft } from '../draft.ts'
import type { DebtName, Failed, Paid } from '../events.ts'
import type { Job, Owed } from '../job.ts'
import { backoffMs } from '../policy.ts'

export interface Debt<D extends DebtName> {
  /** The instants of the next tries; empty while nothing is owed. */
  clocks(job: Job): Clock[]
  /** Called at each wake: tries what is due. */
  due(draft: Draft): void
  paid(draft: Draft, fact: Paid<D>): void
  /** Commits what was leased for the try, so that the backoff grows even if the actor is evicted in between. */
  failed(draft: Draft, fact: Failed<D>): void
}

/** The only clock of a debt, while it is owed. */
export function owedClock(owed: Owed | null, clock: Omit<Clock, 'at'>): Clock[] {
  return owed ? [{ ...clock, at: owed.dueAt }] : []
}

/** The debt with one more try and its pause, for a lease. `seed` makes the jitter of the job's debts differ. */
export function tried<O extends Owed>({ job, now }: Draft, owed: O, seed: string): O {
  const dueAt = now + backoffMs(`${job.request.id}:${seed}`, owed.tries)
  return { ...owed, dueAt, tries: owed.tries + 1 }
}

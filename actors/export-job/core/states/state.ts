/** The interface of a state: the complete behaviour of a job in one phase, in one file of this folder. */
import type { Clock } from '../clock.ts'
import type { Draft } from '../draft.ts'
import type { Signal } from '../events.ts'
import type { Attempt, Job, Phase } from '../job.ts'

/** The job's phase is passed beside the draft, so that it has the type of the state. */
export interface State<P extends Phase> {
  /** Handles a signal of the open attempt; absent in states without one. */
  on?(draft: Draft, phase: P, signal: Signal, attempt: Attempt): void
  /** Called at a wake before the deadline: acts on what is due, if anything is. */
  due?(draft: Draft, phase: P): void
  /** The state's own clocks, in addition to the deadline and the debts. */
  clocks(phase: P, job: Job): Clock[]
  /** Explains why the job is in this state: a whole sentence, for people. */
  words(job: Job, phase: P): string
}

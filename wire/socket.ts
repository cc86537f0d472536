/** What a job's socket sends; as server-sent events the same. `seq` numbers the lines of the job's log. */
import type { EventJson } from './events.ts'
import type { JobJson, JobProgress } from './job.ts'

export interface SnapshotMessage {
  type: 'snapshot'
  seq: number
  job: JobJson
  /** The number asked for is not, or no longer, in the log: what lies before `seq` is not told. */
  reset?: true
  /** The job has ended: nothing follows. */
  end?: true
}

export interface EventMessage {
  type: 'event'
  seq: number
  event: EventJson
  /** Null when the job is being deleted. */
  job: JobJson | null
  /** The job has ended by this event: nothing follows. */
  end?: true
}

export interface ProgressMessage extends JobProgress {
  type: 'progress'
  /** Of the last event before it. */
  seq: number
}

/** What was missed: lines without the job, whose snapshot follows. */
export interface ReplayMessage {
  type: 'replay'
  from: number
  to: number
  events: EventJson[]
}

export type ServerMessage = ReplayMessage | SnapshotMessage | EventMessage | ProgressMessage

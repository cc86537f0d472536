/** The messages of a job's socket, and of its event stream. `seq` is the number of a line in the job's log. */
import type { EventJson } from './events.ts'
import type { JobJson, JobProgress } from './job.ts'

export interface SnapshotMessage {
  type: 'snapshot'
  seq: number
  job: JobJson
  /** The requested number is not, or no longer, in the log: the lines before `seq` are not replayed. */
  reset?: true
  /** The job has ended: this is the last message. */
  end?: true
}

export interface EventMessage {
  type: 'event'
  seq: number
  event: EventJson
  /** Null when the job is being deleted. */
  job: JobJson | null
  /** This event ended the job: this is the last message. */
  end?: true
}

export interface ProgressMessage extends JobProgress {
  type: 'progress'
  /** Number of the last event before it. */
  seq: number
}

/** The missed lines, without the job; its snapshot follows. */
export interface ReplayMessage {
  type: 'replay'
  from: number
  to: number
  events: EventJson[]
}

export type ServerMessage = ReplayMessage | SnapshotMessage | EventMessage | ProgressMessage

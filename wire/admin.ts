/** What operators are answered. Names and forms are those of the shown job. */
import type { EventJson } from './events.ts'
import type { JobFailure, JobJson, JobStatus, JobSummary } from './job.ts'

export type FindingCode =
  | 'under_way'
  | 'waiting_for_gpu'
  | 'waiting_for_retry'
  | 'lost_webhook'
  | 'stalled'
  | 'cancel_unconfirmed'
  | 'output_missing'
  | 'ended'
  | 'deadline_near'
  | 'wakes_throttled'
  | 'mirror_behind'
  | 'webhook_failing'

/** A cause and the next step, which together make one sentence. */
export interface Finding {
  code: FindingCode
  /** Why it is as it is: a sentence without its full stop. */
  cause: string
  /** What follows, as words that go on after "next:"; null when nothing will. */
  next: { what: string; at: string } | null
}

export interface InspectedAttempt {
  round: number
  attempt: number
  runpod_job_id: string | null
  output_video_key: string
  /** Committed, and sent to RunPod just after. */
  dispatched_at: string
  queued_at: string | null
  started_at: string | null
  ended_at: string | null
  /** What RunPod's job is known to be: it may outlive the attempt. */
  remote: 'unknown' | 'live' | 'ended'
  remote_ended_at: string | null
  outcome: 'open' | 'won' | 'failed' | 'closed'
  failure: JobFailure | null
  done_by: string | null
  cancel: { asked_at: string; tries: number; next_try_at: string | null; confirmed_at: string | null } | null
  /** RunPod's own figures. */
  delay_seconds: number | null
  execution_seconds: number | null
  worker_id: string | null
  gpu_seconds: number
  estimated: boolean
  cost: number | null
  wasted: boolean
  late_reports: number
}

/** What the job owes the outside, and when that is tried next. */
export interface OwedJson {
  tries: number
  next_try_at: string
}

/** The job's state, as far as the actor's core knows it. */
export interface Inspection {
  /** Of the state machine: also `deleting` and `gone`. */
  status: JobStatus | 'deleting' | 'gone'
  step: string | null
  round_started_at: string
  saved_at: string
  findings: Finding[]
  /** When the findings may be others although nothing has happened; null when only an event changes them. */
  findings_until: string | null
  clocks: { name: string; what: string; at: string }[]
  /** When the job wants its alarm to ring. */
  wake_at: string | null
  deadline: { at: string; extended: boolean }
  policy: Record<string, number>
  webhook: { url: string; events: string[] } | null
  attempts: InspectedAttempt[]
  outbox: {
    mirror: (OwedJson & { version: number }) | null
    mirrored_at: string | null
    sweep: (OwedJson & { last: boolean }) | null
    archive: OwedJson | null
    webhooks: (OwedJson & { id: string; event: string })[]
    /** Those of which nothing is owed any more, and which can be sent again. */
    webhooks_settled: { id: string; event: string; at: string }[]
    webhooks_refused: boolean
  }
  breaker: { level: number; tripped: boolean; strikes: number }
}

/** The actor opened up. */
export interface InspectedActor extends Inspection {
  /** When the platform will ring; null while the alarm runs, or when nothing is ahead. */
  alarm_at: string | null
  webhook_answers: { id: string; at: string; status: number | null; detail: string | null }[]
  sockets: { count: number; list: { since: string; last_seq: number }[] }
  storage: { rows: number; bytes: number }
  /** Since the job was accepted, as far as commits have saved the counts. */
  wakes: number
  instances: number
}

/** Lines of the log, and the oldest and newest that are kept. */
export interface InspectedLog {
  events: EventJson[]
  first_seq: number
  last_seq: number
}

type Cell = string | number | null

/** Whether the row in D1 says what its actor says. */
export interface Drift {
  state: /** The row says what it must. */
    | 'none'
    /** It does not yet; the actor is about to write it. */
    | 'pending'
    /** It does not, and either nothing is under way or it could not be written. */
    | 'behind'
    /** There is no row. */
    | 'missing'
    /** D1 did not answer. */
    | 'unreachable'
    /** There is a row, and no actor that holds the job. */
    | 'actor_missing'
  /** What differs of that which the row must say by now. */
  columns: { name: string; actor: Cell; row: Cell }[]
}

/** The row as it stands in D1, its instants readable, and how old what it says is. */
export interface MirrorJson {
  row: Record<string, Cell>
  mirrored_at: string
  age_seconds: number
}

/** GET /api/admin/jobs/:id. */
export interface InspectedJob {
  /** Of a download: when the file was made. */
  made_at?: string
  source: 'actor' | 'mirror'
  job: JobJson | JobSummary
  actor: InspectedActor | null
  log: InspectedLog | null
  mirror: MirrorJson | null
  drift: Drift | null
}

/** Nearest-rank: the least value that so many of the jobs do not exceed; null without jobs. */
export interface Percentiles {
  jobs: number
  p50: number | null
  p90: number | null
  p99: number | null
}

type Counts = Record<string, number>

/** GET /api/admin/stats: figures over all jobs of a window. */
export interface Statistics {
  window: { from: string; until: string; seconds: number }
  /** Unfinished jobs by status, as of now and not of the window. */
  active: Counts
  /** `cut`: the window holds more, and only the newest so many were looked at, since `from`. */
  ended: { jobs: number; cut: boolean; most: number; by_status: Counts; by_type: Record<string, Counts> }
  /** Every hour of the window, also those in which none ended. */
  per_hour: { hour: string; complete: number; error: number; cancelled: number }[]
  /** From the start of a job's last round. */
  seconds: { queue: Percentiles; run: Percentiles; total: Percentiles }
  error_codes: { code: string; jobs: number }[]
  /** Jobs by the number of attempts of their last round. */
  attempts: { attempts: number; jobs: number }[]
  gpu_seconds: number
  wasted_seconds: number
  /** Money at GPU_PRICE_PER_SECOND; null when no price is set. */
  cost: number | null
  wasted_cost: number | null
  /** Tries of webhooks; `success` is null when none was sent. */
  webhooks: { taken: number; failed: number; success: number | null }
  /** What RunPod says of its workers now; null when it was not, or could not be, asked. */
  runpod: { in_queue: number; workers: Counts } | null
}

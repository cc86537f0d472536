/** Answers to operators. Field names and formats are those of the job's public view. */
import type { EventJson } from './events.ts'
import type { JobFailure, JobJson, JobStatus, JobSummary } from './job.ts'

export type FindingCode =
  | 'under_way'
  | 'waiting_for_gpu'
  | 'waiting_for_retry'
  | 'not_configured'
  | 'refused'
  | 'lost_webhook'
  | 'stalled'
  | 'cancel_unconfirmed'
  | 'output_missing'
  | 'ended'
  | 'deadline_near'
  | 'wakes_throttled'
  | 'mirror_behind'
  | 'webhook_failing'

/** Findings that need a person. */
export type AttentionReason = Extract<
  FindingCode,
  'stalled' | 'cancel_unconfirmed' | 'wakes_throttled' | 'deadline_near' | 'webhook_failing'
>

/** A row may also be behind: its actor has not written a change that is due. */
export type TriageReason = AttentionReason | 'row_behind'

/** A job of the operators' list, from its row in D1. */
export interface TriagedJob extends JobSummary {
  attention: { reason: TriageReason; since: string } | null
  /** When the row was last written. */
  last_news_at: string
  /** When its next change is due; null when none is. */
  next_at: string | null
  /** At the price of its endpoint; null when that has none. */
  cost: number | null
  /** Signed URL of the result's poster, which may not exist; null before there is a result. */
  poster_url: string | null
}

/** GET /api/admin/jobs. */
export interface TriagePage {
  jobs: TriagedJob[]
  next_cursor: string | null
}

/** A cause and the next step, which together form one sentence. */
export interface Finding {
  code: FindingCode
  /** Why the job is in its state: a sentence without its full stop. */
  cause: string
  /** The next step, as the words after "next:"; null when there is none. */
  next: { what: string; at: string } | null
}

export interface InspectedAttempt {
  round: number
  attempt: number
  /** The endpoint it was sent to; null for `default` in an attempt that an earlier version sent. */
  endpoint: { name: string; url: string } | null
  runpod_job_id: string | null
  output_video_key: string
  /** When it was committed; the request to RunPod follows at once. */
  dispatched_at: string
  queued_at: string | null
  started_at: string | null
  ended_at: string | null
  /** Last known state of RunPod's job, which may outlive the attempt. */
  remote: 'unknown' | 'live' | 'ended'
  remote_ended_at: string | null
  outcome: 'open' | 'won' | 'failed' | 'closed'
  /** Whether it counts towards `max_attempts`: a dispatch refused through no fault of the job does not. */
  counts: boolean
  failure: JobFailure | null
  done_by: string | null
  cancel: { asked_at: string; tries: number; next_try_at: string | null; confirmed_at: string | null } | null
  /** RunPod's own measurement. */
  delay_seconds: number | null
  execution_seconds: number | null
  worker_id: string | null
  gpu_seconds: number
  estimated: boolean
  cost: number | null
  wasted: boolean
  late_reports: number
}

/** An entry of the job's outbox: something owed, and when it is tried next. */
export interface OwedJson {
  tries: number
  next_try_at: string
}

/** The job's state in the actor's core. */
export interface Inspection {
  /** The status in the state machine, which includes `deleting` and `gone`. */
  status: JobStatus | 'deleting' | 'gone'
  step: string | null
  round_started_at: string
  saved_at: string
  findings: Finding[]
  /** When the findings may change without an event; null when only an event changes them. */
  findings_until: string | null
  clocks: { name: string; what: string; at: string }[]
  /** When the job's alarm is due. */
  wake_at: string | null
  deadline: { at: string; extended: boolean }
  policy: Record<string, number | string>
  webhook: { url: string; events: string[] } | null
  attempts: InspectedAttempt[]
  outbox: {
    mirror: (OwedJson & { version: number }) | null
    mirrored_at: string | null
    sweep: (OwedJson & { last: boolean }) | null
    archive: OwedJson | null
    webhooks: (OwedJson & { id: string; event: string })[]
    /** Messages that need no further delivery, and may be sent again. */
    webhooks_settled: { id: string; event: string; at: string }[]
    webhooks_refused: boolean
  }
  breaker: { level: number; tripped: boolean; strikes: number }
}

/** The full state of an actor. */
export interface InspectedActor extends Inspection {
  /** When the platform's alarm is set; null while it runs, or when none is set. */
  alarm_at: string | null
  webhook_answers: { id: string; at: string; status: number | null; detail: string | null }[]
  sockets: { count: number; list: { since: string; last_seq: number }[] }
  /** The connection of its GPU worker; absent from an actor of an earlier version. */
  line?: InspectedLine
  storage: { rows: number; bytes: number }
  /** Since the job was accepted, as far as the counts were saved by commits. */
  wakes: number
  instances: number
}

/** A worker's connection. `messages`: reports received over it, including those before a short loss. */
export interface InspectedLine {
  /** Null while none is open. */
  open: { since: string; heard_at: string; messages: number; last_n: number | null } | null
  /** Kept while the actor is in memory. `code`: the WebSocket's close code. */
  last_close: { at: string; code: number; messages: number } | null
}

/** Lines of the log, and the numbers of the oldest and newest ones kept. */
export interface InspectedLog {
  events: EventJson[]
  first_seq: number
  last_seq: number
}

type Cell = string | number | null

/** How the row in D1 differs from its actor's state. */
export interface Drift {
  state: /** They match. */
    | 'none'
    /** It differs, and the actor is about to write it. */
    | 'pending'
    /** It differs, and no write is pending or the last one failed. */
    | 'behind'
    /** There is no row. */
    | 'missing'
    /** D1 did not answer. */
    | 'unreachable'
    /** There is a row, but no actor that holds the job. */
    | 'actor_missing'
  /** The columns that differ and should be up to date by now. */
  columns: { name: string; actor: Cell; row: Cell }[]
}

/** The row in D1, with its instants in RFC 3339, and its age. */
export interface MirrorJson {
  row: Record<string, Cell>
  mirrored_at: string
  age_seconds: number
}

/** GET /api/admin/jobs/:id. */
export interface InspectedJob {
  /** When a download was created; absent otherwise. */
  made_at?: string
  source: 'actor' | 'mirror'
  job: JobJson | JobSummary
  actor: InspectedActor | null
  log: InspectedLog | null
  mirror: MirrorJson | null
  drift: Drift | null
}

/** Nearest-rank percentiles: the lowest value that this share of the jobs does not exceed; null without jobs. */
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
  /** Current unfinished jobs by status, independent of the window. */
  active: Counts
  /** Jobs that need a person now, by reason. */
  attention: Counts
  /** `cut`: the window contains more jobs than `most`, and only the newest ones, since `from`, were read. */
  ended: { jobs: number; cut: boolean; most: number; by_status: Counts; by_type: Record<string, Counts> }
  /** Every hour of the window, including those without jobs. */
  per_hour: { hour: string; complete: number; error: number; cancelled: number }[]
  /** Measured from the start of a job's last round. */
  seconds: { queue: Percentiles; run: Percentiles; total: Percentiles }
  error_codes: { code: string; jobs: number }[]
  /** Jobs by the number of attempts of their last round. */
  attempts: { attempts: number; jobs: number }[]
  gpu_seconds: number
  wasted_seconds: number
  /** The cost at the price of each job's endpoint; null when a price is missing. */
  cost: number | null
  wasted_cost: number | null
  /** Delivery attempts of webhooks; `success` is null when there were none. */
  webhooks: { taken: number; failed: number; success: number | null }
  /** Current size of the list's database: at the limit no job is accepted. */
  database: { bytes: number; limit_bytes: number; nearly_full: boolean }
  /** RunPod's current counts of its workers; null when they were not requested, or could not be had. */
  runpod: { in_queue: number; workers: Counts } | null
  /** As of now. One that does not answer is left out. */
  lanes: LaneFigures[]
}

export interface LaneFigures {
  /** Of its endpoint. */
  name: string
  waiting: number
  /** 0 where nobody waits. */
  oldest_waiting_seconds: number
  /** Places that jobs have; none are lent where there is no limit. */
  taken: number
  /** Null for any number. */
  free: number | null
  /** `open`: RunPod refuses, so nobody is sent; `trying`: one job is sent to try. */
  breaker: 'closed' | 'open' | 'trying'
  paused: boolean
}

/** Why RunPod refuses, or refused, a lane's dispatches. */
export interface LaneRefusal {
  /** Consecutive refusals: each doubles the pause. */
  strikes: number
  /** Who must fix it: 401, 402, 403 and 404 are caused by the deployment. */
  cause: 'deployment' | 'runpod'
  /** HTTP status of the last refusal; null when the answers were ambiguous. */
  status: number | null
  detail: string
}

/** The answer to `POST /api/admin/jobs/actions`. */
export interface BulkDone {
  action: string
  /** Jobs that accepted the action. */
  done: number
  refused: { job_id: string; code: string }[]
  /** Number of matching jobs that remain, and the cursor to continue with them. */
  left: number
  cursor: string | null
}

/** The lane of one endpoint. */
export interface LaneJson {
  name: string
  /** Number of places; null for no limit, 0 for an endpoint that was removed from the settings. */
  places: number | null
  /** Number of places lent; more than `places` when the limit was lowered. */
  taken: number
  /** Attempts that hold a place, the longest-held first; 1,000 at most. */
  holders: { job_id: string; round: number; attempt: number; project_id: number; since: string }[]
  waiting: number
  /** Since when the oldest waiting attempt waits; null while none waits. */
  oldest_since: string | null
  /** Projects with waiting attempts, in the order of their turns; 1,000 at most. */
  projects: { project_id: number; waiting: number; oldest_since: string }[]
  /** Why nothing is dispatched, in the words of waiting jobs; null while nothing prevents it. */
  stopped: string | null
  /** While it is open, nothing is dispatched except one trial; null while it is closed. */
  breaker: ({ opened_at: string; next_try_at: string; trying: boolean } & LaneRefusal) | null
  /** The most recent periods during which it was open, oldest first. */
  outages: ({ opened_at: string; closed_at: string } & LaneRefusal)[]
  pause: { by: string; reason: string; since: string } | null
}

/** The answer to `GET /api/admin/lanes`. */
export interface LanesJson {
  as_of: string
  lanes: LaneJson[]
  /** Names of lanes that did not answer. */
  unreachable: string[]
}

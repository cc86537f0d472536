/** What the service answers operators, in the wire's own names. */
import type { Job, JobEvent, JobFailure, ListedJob } from '../../../client/index.ts'

export interface Finding {
  code: string
  cause: string
  next: { what: string; at: string } | null
}

export interface InspectedAttempt {
  round: number
  attempt: number
  runpod_job_id: string | null
  output_video_key: string
  dispatched_at: string
  queued_at: string | null
  started_at: string | null
  ended_at: string | null
  remote: 'unknown' | 'live' | 'ended'
  remote_ended_at: string | null
  outcome: 'open' | 'won' | 'failed' | 'closed'
  failure: JobFailure | null
  done_by: string | null
  cancel: {
    asked_at: string
    tries: number
    next_try_at: string | null
    confirmed_at: string | null
  } | null
  delay_seconds: number | null
  execution_seconds: number | null
  worker_id: string | null
  gpu_seconds: number
  estimated: boolean
  cost: number | null
  wasted: boolean
  late_reports: number
}

export interface Owed {
  tries: number
  next_try_at: string
}

export interface InspectedActor {
  status: string
  step: string | null
  round_started_at: string
  saved_at: string
  findings: Finding[]
  findings_until: string | null
  clocks: { name: string; what: string; at: string }[]
  wake_at: string | null
  alarm_at: string | null
  deadline: { at: string; extended: boolean }
  webhook: { url: string; events: string[] } | null
  attempts: InspectedAttempt[]
  outbox: {
    mirror: (Owed & { version: number }) | null
    mirrored_at: string | null
    sweep: (Owed & { last: boolean }) | null
    archive: Owed | null
    webhooks: (Owed & { id: string; event: string })[]
    webhooks_settled: { id: string; event: string; at: string }[]
    webhooks_refused: boolean
  }
  webhook_answers: { id: string; at: string; status: number | null; detail: string | null }[]
  sockets: { count: number; list: { since: string; last_seq: number }[] }
  storage: { rows: number; bytes: number }
  wakes: number
  instances: number
}

export interface Drift {
  state: 'none' | 'pending' | 'behind' | 'missing' | 'unreachable' | 'actor_missing'
  columns: { name: string; actor: string | number | null; row: string | number | null }[]
}

export interface InspectedJob {
  source: 'actor' | 'mirror'
  job: Job | ListedJob
  actor: InspectedActor | null
  log: { events: JobEvent[]; first_seq: number; last_seq: number } | null
  mirror: { row: Record<string, string | number | null>; mirrored_at: string; age_seconds: number } | null
  drift: Drift | null
}

export interface Percentiles {
  jobs: number
  p50: number | null
  p90: number | null
  p99: number | null
}

type Counts = Record<string, number>

export interface Statistics {
  window: { from: string; until: string; seconds: number }
  active: Counts
  ended: { jobs: number; cut: boolean; most: number; by_status: Counts; by_type: Record<string, Counts> }
  per_hour: { hour: string; complete: number; error: number; cancelled: number }[]
  seconds: { queue: Percentiles; run: Percentiles; total: Percentiles }
  error_codes: { code: string; jobs: number }[]
  attempts: { attempts: number; jobs: number }[]
  gpu_seconds: number
  wasted_seconds: number
  cost: number | null
  wasted_cost: number | null
  webhooks: { taken: number; failed: number; success: number | null }
  runpod: { in_queue: number; workers: Counts } | null
}

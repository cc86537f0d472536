/**
 * The job, as everyone is shown it. Field names are those of JSON (snake_case), so that a log line, a webhook and the
 * client name a thing alike. Instants are RFC 3339.
 */
import type { EventJson } from './events.ts'
import type { JsonObject } from './json.ts'

export type ActiveStatus = 'pending' | 'queued' | 'processing' | 'cancelling'
export type EndedStatus = 'complete' | 'error' | 'cancelled'
export type JobStatus = ActiveStatus | EndedStatus

/** Why a job, or its last attempt, failed. `code` is stable, `message` is for a person. */
export type JobFailure = { code: string; message: string; retryable: boolean }

/** Seconds on GPUs, and money where the deployment knows a price. The list knows the first two. */
export interface JobUsage {
  /** Seconds on a GPU, all attempts of all rounds. */
  gpu_seconds: number
  /** Of these, seconds of attempts that did not become the result. */
  wasted_seconds: number
  /** Of the wasted, seconds that ran on after the cancel was asked for. */
  after_cancel_seconds?: number
  /** Seconds in RunPod's queue, where it told them. */
  queue_seconds?: number
  /** True while some of the figures are not RunPod's own. */
  estimated?: boolean
  /** Money at GPU_PRICE_PER_SECOND; null when no price is set. */
  cost?: number | null
  wasted_cost?: number | null
}

/** Paths of one job. */
export interface JobUrls {
  self: string
  ws: string
  events: string
  cancel: string
  retry: string
}

/** What the list knows of a job. */
export interface JobSummary {
  id: string
  project_id: number
  type: string
  status: JobStatus
  /** 0–100; never falls within an attempt. */
  progress: number
  stage: string | null
  input_video_key: string
  output_video_key: string | null
  params: JsonObject
  metadata: JsonObject
  tags: string[]
  attempt: number
  max_attempts: number
  round: number
  runpod_job_id: string | null
  error: JobFailure | null
  usage: JobUsage
  created_at: string
  started_at: string | null
  finished_at: string | null
  expires_at: string | null
  version: number
  /** Retention has retired the job itself. */
  archived: boolean
  urls: JobUrls
}

/** An export job: live from its actor, or when that was retired, from the list. */
export interface JobJson extends Omit<JobSummary, 'archived'> {
  message: string | null
  eta_seconds: number | null
  last_report_at: string | null
  /** One sentence that says why the job is where it is. */
  reason: string
  /** What the service will do next by itself, and when. */
  next_action: { at: string; what: string } | null
  output_size_bytes: number | null
  /** The uploaded video, signed as `output_url` is; null until it was found, and once the job is archived. */
  input_url: string | null
  /** Signed and expiring; there once complete. May be a path. */
  output_url: string | null
  next_attempt_at: string | null
  cancel: { requested_at: string; confirmed: boolean } | null
  /** Answered from the list, because retention has retired the job itself. */
  archived?: boolean
}

/** What of a job changes between two lines of its log. */
export type JobProgress = Pick<
  JobJson,
  'progress' | 'stage' | 'message' | 'eta_seconds' | 'attempt' | 'round'
>

/** GET /api/jobs. */
export interface JobPage {
  jobs: JobSummary[]
  next_cursor: string | null
}

/** POST /api/jobs. */
export interface CreatedJob {
  job_id: string
  status: JobStatus
  websocket_url: string
  job: JobJson
}

/** DELETE of an ended job: everything is gone. */
export interface DeletedJob {
  success: true
}

/** DELETE of an active job, which is being cancelled instead. */
export interface CancelledInstead {
  success: false
  job_id: string
  status: JobStatus
  detail: string
  job: JobJson
}

/** GET /api/jobs/:id/events. */
export interface EventsPage {
  events: EventJson[]
  /** For the next page. */
  next_after: number
  /** The oldest and newest lines kept. */
  first_seq: number
  last_seq: number
}

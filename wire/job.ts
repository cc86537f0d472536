/**
 * The job in its public form. Field names are those of the JSON (snake_case), so that a log line, a webhook and the
 * client use the same names. Instants are RFC 3339.
 */
import type { EventJson } from './events.ts'
import type { JsonObject } from './json.ts'

export type ActiveStatus = 'pending' | 'queued' | 'processing' | 'cancelling'
export type EndedStatus = 'complete' | 'error' | 'cancelled'
export type JobStatus = ActiveStatus | EndedStatus

/** Why a job, or its last attempt, failed. `code` is stable, `message` is for people. */
export type JobFailure = { code: string; message: string; retryable: boolean }

/** Seconds on GPUs, and their cost when the deployment has a price. The list contains only the first two. */
export interface JobUsage {
  /** Seconds on a GPU, for all attempts of all rounds. */
  gpu_seconds: number
  /** The part of them used by attempts that did not produce the result. */
  wasted_seconds: number
  /** The part of the wasted seconds that passed after the cancel was requested. */
  after_cancel_seconds?: number
  /** Seconds in RunPod's queue, when RunPod reported them. */
  queue_seconds?: number
  /** True while some of the figures are not RunPod's own measurements. */
  estimated?: boolean
  /** The cost at the price of each attempt's endpoint; null when a price is missing. */
  cost?: number | null
  wasted_cost?: number | null
}

/** The state of a job that waits for a place at its RunPod endpoint, at one instant. */
export interface JobQueue {
  ahead: number
  /** The part of them that belongs to the same project. */
  ahead_of_project: number
  as_of: string
  /** Whether an operator paused the endpoint. */
  paused: boolean
  reason: string
}

/** Paths of the routes of one job. */
export interface JobUrls {
  self: string
  ws: string
  events: string
  cancel: string
  retry: string
}

/** The fields of a job in the list. */
export interface JobSummary {
  id: string
  project_id: number
  type: string
  status: JobStatus
  /** 0–100; does not decrease within an attempt. */
  progress: number
  stage: string | null
  /** Null when the input is an external URL. */
  input_video_key: string | null
  /** Origin and path of an external input; null when the input has a key. */
  input_video_url: string | null
  output_video_key: string | null
  params: JsonObject
  metadata: JsonObject
  tags: string[]
  attempt: number
  max_attempts: number
  /** Name in the settings of the RunPod endpoint that its attempts are sent to. */
  endpoint: string
  round: number
  runpod_job_id: string | null
  error: JobFailure | null
  usage: JobUsage
  created_at: string
  started_at: string | null
  finished_at: string | null
  expires_at: string | null
  version: number
  /** Whether retention has retired the job, so that only this row is left. */
  archived: boolean
  urls: JobUrls
}

/** An export job: live from its actor or, after retirement, from the list. */
export interface JobJson extends Omit<JobSummary, 'archived'> {
  message: string | null
  eta_seconds: number | null
  last_report_at: string | null
  /** One sentence that explains the job's current state. */
  reason: string
  /** What the service will do next, and when. */
  next_action: { at: string; what: string } | null
  output_size_bytes: number | null
  /** The uploaded video, signed as `output_url` is; null until it was found, and when the job is archived. */
  input_url: string | null
  /** Signed and expiring; set when the job is complete. May be a path. */
  output_url: string | null
  /** A still image of the result, signed as `output_url` is; null when there is none. */
  poster_url: string | null
  next_attempt_at: string | null
  /** Set while the job waits for a place at its endpoint: how many exports are ahead of it. */
  queue: JobQueue | null
  cancel: { requested_at: string; confirmed: boolean } | null
  /** Set when retention has retired the job, and this view comes from the list. */
  archived?: boolean
}

/** The fields of a job that change between two lines of its log. */
export type JobProgress = Pick<
  JobJson,
  'progress' | 'stage' | 'message' | 'eta_seconds' | 'attempt' | 'round' | 'queue'
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

/** DELETE of an ended job: its data and files are deleted. */
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
  /** `after` for the next page. */
  next_after: number
  /** Numbers of the oldest and newest lines kept. */
  first_seq: number
  last_seq: number
}

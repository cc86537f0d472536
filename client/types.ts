/**
 * What the service speaks, as its callers see it. Field names are the wire's own (snake_case), so that what a log
 * line, a webhook and this client show is one and the same thing.
 */

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
export type JsonObject = { [key: string]: Json }

export type ActiveStatus = 'pending' | 'queued' | 'processing' | 'cancelling'
export type EndedStatus = 'complete' | 'error' | 'cancelled'
export type JobStatus = ActiveStatus | EndedStatus

/** Why a job, or its last attempt, failed. `code` is stable, `message` is for a person. */
export interface JobFailure {
  code: string
  message: string
  retryable: boolean
}

/** GPU seconds and money, `estimated` while some figures are not yet RunPod's own. */
export interface JobUsage {
  gpu_seconds: number
  wasted_seconds: number
  after_cancel_seconds?: number
  queue_seconds?: number
  estimated?: boolean
  cost?: number | null
  wasted_cost?: number | null
}

/** An export job as everyone sees it. */
export interface Job {
  id: string
  project_id: number
  type: string
  status: JobStatus
  /** 0–100; never falls within an attempt. */
  progress: number
  stage: string | null
  message?: string | null
  eta_seconds: number | null
  last_report_at: string | null
  /** One sentence that says why the job is where it is. */
  reason: string
  /** What the service will do next by itself, and when. */
  next_action: { at: string; what: string } | null
  input_video_key: string
  output_video_key: string | null
  output_size_bytes?: number | null
  /** The uploaded video, signed as `output_url` is; null until it was found, and once the job is archived. */
  input_url: string | null
  /** Signed and expiring; there once complete. May be a path: `exportal.absolute()` makes it a URL. */
  output_url: string | null
  params: JsonObject
  metadata: JsonObject
  tags: string[]
  attempt: number
  max_attempts: number
  round: number
  runpod_job_id: string | null
  next_attempt_at: string | null
  error: JobFailure | null
  cancel?: { requested_at: string; confirmed: boolean } | null
  usage?: JobUsage
  created_at: string
  started_at: string | null
  finished_at: string | null
  expires_at: string | null
  version: number
  /** Answered from the list, because retention has retired the job itself. */
  archived?: boolean
  urls: { self: string; ws: string; events: string; cancel: string; retry?: string }
}

/** One line of a job's log. Numbered from 1 without gaps; progress is not in it. */
export interface JobEvent {
  seq: number
  type: string
  at: string
  round: number | null
  attempt: number | null
  data: JsonObject
}

/** Settings of the finished file, common to all types. What is left out follows the input. */
export interface OutputSettings {
  container?: 'mp4' | 'webm' | 'mov'
  width?: number
  height?: number
  fps?: number
  quality?: 'low' | 'medium' | 'high'
}

/** When an item is seen; from the start and to the end where left out. */
interface Timed {
  start_seconds?: number
  end_seconds?: number
}

/** Where an item is: its upper left corner, as shares (0–1) of the frame. */
interface Placed extends Timed {
  x?: number
  y?: number
  opacity?: number
}

export interface TextItem extends Placed {
  type: 'text'
  text: string
  /** Height of the letters, as a share of the frame's. */
  size?: number
  /** `#rrggbb`, as is `background`. */
  color?: string
  background?: string
}

export interface ImageItem extends Placed {
  type: 'image'
  /** Key of an uploaded image of the same project. */
  image_key: string
  /** As a share of the frame's. */
  width?: number
}

export type OverlayItem = TextItem | ImageItem

export interface OverlayParams {
  items?: OverlayItem[]
  output?: OutputSettings
}

/** A span of the video; one of its ends must be given. */
export type TrimParams = { output?: OutputSettings } & (
  | { start_seconds: number; end_seconds?: number }
  | { start_seconds?: number; end_seconds: number }
)

/** A rectangle, in shares (0–1) of the frame. */
interface CropArea {
  x: number
  y: number
  width: number
  height: number
  aspect_ratio?: never
  focus_x?: never
  focus_y?: never
  output?: OutputSettings
}

/** The largest rectangle of an aspect ratio, around a point to keep (the middle, if not given). */
interface CropReframe {
  aspect_ratio: `${number}:${number}`
  focus_x?: number
  focus_y?: number
  x?: never
  y?: never
  width?: never
  height?: never
  output?: OutputSettings
}

export type CropParams = CropArea | CropReframe

export interface TranscodeParams {
  output?: OutputSettings
}

/** The job types, each with what its `params` may say. */
export interface ParamsByType {
  overlay: OverlayParams
  trim: TrimParams
  crop: CropParams
  transcode: TranscodeParams
}

export type JobType = keyof ParamsByType

interface CreateCommon {
  project_id: number
  /** From `uploadVideo`. */
  input_video_key: string
  /** Yours, given back untouched. */
  metadata?: JsonObject
  tags?: string[]
  policy?: PolicyLimits
}

/** Limits of one job, within bounds that the service sets. */
export interface PolicyLimits {
  /** 1–10, by default 3. */
  max_attempts?: number
  queue_timeout_seconds?: number
  stall_timeout_seconds?: number
  execution_timeout_seconds?: number
  deadline_seconds?: number
  retention_seconds?: number
}

/** What `jobs.create` is given; `params` may be left out where `{}` means something. */
export type CreateJob = {
  [T in JobType]: CreateCommon &
    (Record<never, never> extends ParamsByType[T]
      ? { type: T; params?: ParamsByType[T] }
      : { type: T; params: ParamsByType[T] })
}[JobType]

/** Answer of `POST /api/jobs`. */
export interface CreatedJob {
  job_id: string
  status: JobStatus
  websocket_url: string
  job: Job
}

export interface ListQuery {
  project_id?: number
  status?: JobStatus
  type?: JobType
  limit?: number
  cursor?: string
}

/** A job as the list knows it: without what only the live job can say. */
export type ListedJob = Omit<
  Job,
  | 'message'
  | 'eta_seconds'
  | 'last_report_at'
  | 'reason'
  | 'next_action'
  | 'output_size_bytes'
  | 'input_url'
  | 'output_url'
  | 'next_attempt_at'
  | 'cancel'
>

export interface JobPage {
  jobs: ListedJob[]
  next_cursor: string | null
}

export interface EventsPage {
  events: JobEvent[]
  /** For the next page. */
  next_after?: number
  /** The oldest and newest lines kept. */
  first_seq?: number
  last_seq?: number
}

/** `success`: everything is gone. Otherwise the job was active, and is being cancelled instead. */
export type DeleteAnswer =
  | { success: true }
  | { success: false; job_id: string; status: JobStatus; detail: string; job: Job }

export interface JobTypeInfo {
  name: string
  summary: string
  /** JSON Schema of the type's `params`. */
  params: JsonObject
}

export interface Health {
  status: 'ok' | 'degraded'
  env: 'development' | 'staging' | 'production'
  /** When asked to look deeper. */
  checks?: Record<'d1' | 'r2' | 'runpod', HealthCheck>
}

export interface HealthCheck {
  ok: boolean
  ms: number
  /** Why it is not. */
  detail?: string
}

/** What the server sends on a job's socket. `end`: the job has ended, and nothing follows. */
export type ServerMessage =
  | { type: 'snapshot'; seq: number; job: Job; reset?: boolean; end?: boolean }
  | { type: 'replay'; from: number; to: number; events: JobEvent[] }
  | { type: 'event'; seq: number; event: JobEvent; job: Job; end?: boolean }
  | ProgressMessage

export interface ProgressMessage {
  type: 'progress'
  seq: number
  progress: number
  stage: string | null
  eta_seconds: number | null
  message?: string | null
}

/** True of a job that can only be retried or deleted. */
export function isEnded(job: Pick<Job, 'status'>): boolean {
  return job.status === 'complete' || job.status === 'error' || job.status === 'cancelled'
}

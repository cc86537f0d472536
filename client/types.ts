/**
 * What callers send, and by the names that they import, what the service answers. Field names are those of JSON
 * (snake_case), so that a log line, a webhook and this client name a thing alike.
 */
import type { CancelledInstead, DeletedJob, JobJson, JobStatus } from '../wire/job.ts'
import type { JsonObject } from '../wire/json.ts'

export type { EventJson as JobEvent } from '../wire/events.ts'
export type {
  ActiveStatus,
  CreatedJob,
  EndedStatus,
  EventsPage,
  JobFailure,
  JobJson as Job,
  JobPage,
  JobStatus,
  JobSummary as ListedJob,
  JobUsage,
} from '../wire/job.ts'
export type { Json, JsonObject } from '../wire/json.ts'
export type { Health, HealthCheck, JobTypeInfo } from '../wire/service.ts'
export type { ProgressMessage, ServerMessage } from '../wire/socket.ts'

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

export interface ListQuery {
  project_id?: number
  status?: JobStatus
  type?: JobType
  limit?: number
  cursor?: string
}

/** `success`: everything is gone. Otherwise the job was active, and is being cancelled instead. */
export type DeleteAnswer = DeletedJob | CancelledInstead

/** True of a job that can only be retried or deleted. */
export function isEnded(job: Pick<JobJson, 'status'>): boolean {
  return job.status === 'complete' || job.status === 'error' || job.status === 'cancelled'
}

/**
 * Requests about jobs. Where a request differs from the answer, as by fields with defaults, it has its own type. The
 * schemas that validate requests are compared with these types, field by field.
 */
import type { WebhookEvent } from './events.ts'
import type { JobStatus } from './job.ts'
import type { JsonObject } from './json.ts'

/** Settings of the result, common to all types. By default each follows the input. */
export interface OutputSettings {
  container?: 'mp4' | 'webm' | 'mov'
  width?: number
  height?: number
  fps?: number
  quality?: 'low' | 'medium' | 'high'
}

/** When an item is visible; by default from the start and to the end. */
interface Timed {
  start_seconds?: number
  end_seconds?: number
}

/** Position of an item's upper left corner, as fractions (0–1) of the frame. */
interface Placed extends Timed {
  x?: number
  y?: number
  opacity?: number
}

export interface TextItem extends Placed {
  type: 'text'
  text: string
  /** Height of the letters, as a fraction of the frame's height. */
  size?: number
  /** `#rrggbb`, like `background`. */
  color?: string
  background?: string
  /** The edge of the text that is at `x`, and at which its lines are aligned; by default `left`. */
  align?: 'left' | 'center' | 'right'
  /** Lines wrap at this fraction of the frame's width. */
  max_width?: number
}

export interface ImageItem extends Placed {
  type: 'image'
  /** Key of an uploaded image of the same project. */
  image_key: string
  /** As a fraction of the frame's width. */
  width?: number
}

export type OverlayItem = TextItem | ImageItem

export interface OverlayParams {
  items?: OverlayItem[]
  output?: OutputSettings
}

/** A time span of the video; at least one of its ends is required. */
export type TrimParams = { output?: OutputSettings } & (
  | { start_seconds: number; end_seconds?: number }
  | { start_seconds?: number; end_seconds: number }
)

/** A rectangle, in fractions (0–1) of the frame. */
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

/** The largest rectangle of an aspect ratio, around a point to keep (by default the middle). */
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

/** The job types with their `params`. */
export interface ParamsByType {
  overlay: OverlayParams
  trim: TrimParams
  crop: CropParams
  transcode: TranscodeParams
}

export type JobType = keyof ParamsByType

/** The video, by exactly one of two fields. */
export type VideoSource =
  /** From `uploadVideo`, or the `output_video_key` of a complete job of the same project. */
  | { input_video_key: string; input_video_url?: never }
  /** An https URL with a public host name. */
  | { input_video_url: string; input_video_key?: never }

/** Fields that all types share. */
export interface CreateFields {
  project_id: number
  /** The client's own data, returned unchanged. */
  metadata?: JsonObject
  tags?: string[]
  policy?: PolicyLimits
  /** Receives signed messages; https, and in development also http to this computer. */
  webhook_url?: string
  /** The events to send; by default the three final ones. */
  webhook_events?: WebhookEvent[]
}

/** Limits of one job, within bounds of the service. */
export interface PolicyLimits {
  /** 1–10, by default 3. */
  max_attempts?: number
  queue_timeout_seconds?: number
  stall_timeout_seconds?: number
  execution_timeout_seconds?: number
  deadline_seconds?: number
  retention_seconds?: number
  /** Name in the settings of one of the deployment's RunPod endpoints; by default `default`. */
  endpoint?: string
  /** Within its project, from -10 to 10; stored, but without effect yet. */
  priority?: number
  /** Maximum GPU seconds of all attempts of a round together; by default without limit. */
  max_gpu_seconds?: number
}

/** POST /api/jobs. */
export type CreateJobRequest = {
  [T in JobType]: CreateFields & VideoSource & { type: T; params: ParamsByType[T] }
}[JobType]

/** GET /api/jobs: the filters and the page size. */
export interface ListQuery {
  project_id?: number
  /** Any of these. */
  status?: JobStatus | readonly JobStatus[]
  type?: JobType
  tag?: string
  /** The `code` of the job's error. */
  error_code?: string
  /** The name of a RunPod endpoint. */
  endpoint?: string
  /** Only jobs that wait for a place at their endpoint, or because it accepts none; with false only the others. */
  waiting?: boolean
  /** A part of `metadata.name`, or of the video's key or URL; in any case. */
  name?: string
  /** The first eight or more characters of an id; the other filters are then ignored. */
  id?: string
  /** RFC 3339, like `created_before`. */
  created_after?: string
  created_before?: string
  /** By default 20, at most 100. */
  limit?: number
  cursor?: string
}

/** GET /api/jobs/:id/events. */
export interface EventsQuery {
  /** Lines after this number. */
  after?: number
  /** By default 100, at most 1000. */
  limit?: number
}

/** GET /api/jobs/:id. */
export interface JobQuery {
  /** Seconds to wait for a change while If-None-Match still matches; at most 60. */
  wait?: number
}

/** GET /api/jobs/:id/ws. */
export interface WatchQuery {
  /** The last number received. */
  after?: number
}

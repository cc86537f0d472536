/** POST /api/videos/upload-url, and the upload itself. */
import * as v from 'valibot'
import { mediaType } from '../body.ts'
import { STORED_TYPE } from '../media-types.ts'
import { Instant, JobId, ProjectId, shortText } from './common.ts'

/** Parameters such as codecs are dropped: the type alone is signed. */
export const VideoType = v.pipe(
  v.string(),
  v.transform((text) => mediaType(text)),
  v.regex(STORED_TYPE, 'This must be a video type, image/png or image/jpeg.'),
)

export const SizeBytes = v.pipe(v.number(), v.safeInteger(), v.minValue(1))

export const UploadUrlBody = v.strictObject({
  filename: shortText(255),
  content_type: VideoType,
  size_bytes: SizeBytes,
  project_id: v.optional(ProjectId),
  job_id: v.optional(JobId),
})

/** Where a file goes: in one PUT, or where `multipart` is there, in parts. */
export const UploadPlan = v.object({
  /** Null when the file goes in parts. */
  upload_url: v.nullable(v.string()),
  video_key: v.string(),
  method: v.literal('PUT'),
  /** Of the file that it is for: no other fits. */
  size_bytes: SizeBytes,
  /** To be sent with the PUT. */
  headers: v.record(v.string(), v.string()),
  expires_at: Instant,
  multipart: v.optional(
    v.object({
      companion_url: v.string(),
      /** Of every part but the last, which has the rest. */
      part_size_bytes: SizeBytes,
      part_count: SizeBytes,
    }),
  ),
})
export type UploadPlan = v.InferOutput<typeof UploadPlan>

/** PUT /api/videos/upload/:key. */
export const StoredVideo = v.object({ key: v.string(), size: SizeBytes, etag: v.string() })
export type StoredVideo = v.InferOutput<typeof StoredVideo>

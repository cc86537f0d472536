/** Schemas of POST /api/videos/upload-url, and of the upload itself. */
import * as v from 'valibot'
import type * as wire from '../../wire/files.ts'
import { accepting, describing } from '../http/describing.ts'
import { Instant, ProjectId, shortText } from '../http/fields.ts'
import { mediaType } from '../http/read-json.ts'
import { JobId } from '../jobs/ids.ts'
import { STORED_TYPE } from './media-types.ts'

/** Parameters such as codecs are removed: only the type is signed. */
export const VideoType = v.pipe(
  v.string(),
  v.transform((text) => mediaType(text)),
  v.regex(STORED_TYPE, 'This must be a video type, image/png or image/jpeg.'),
)

export const SizeBytes = v.pipe(v.number(), v.safeInteger(), v.minValue(1))

export const UploadUrlBody = accepting<wire.UploadRequest>()(
  v.strictObject({
    filename: shortText(255),
    content_type: VideoType,
    size_bytes: SizeBytes,
    project_id: v.optional(ProjectId),
    job_id: v.optional(JobId),
  }),
)

/** How to upload a file: in one PUT or, when `multipart` is present, in parts. */
export const UploadPlan = describing<wire.UploadPlan>()(
  v.object({
    /** Null when the file is uploaded in parts. */
    upload_url: v.nullable(v.string()),
    video_key: v.string(),
    method: v.literal('PUT'),
    /** Exact size of the file to send. */
    size_bytes: SizeBytes,
    /** Headers to send with the PUT. */
    headers: v.record(v.string(), v.string()),
    expires_at: Instant,
    multipart: v.optional(
      v.object({
        companion_url: v.string(),
        /** Size of every part except the last, which holds the remainder. */
        part_size_bytes: SizeBytes,
        part_count: SizeBytes,
      }),
    ),
  }),
)

/** PUT /api/videos/upload/:key. */
export const StoredVideo = describing<wire.StoredVideo>()(
  v.object({ key: v.string(), size: SizeBytes, etag: v.string() }),
)

/** Bodies and answers of the multipart routes. Uppy sends more than it is asked for, so unknown fields are let through here. */
import * as v from 'valibot'
import { MOST_PARTS } from '../../actors/upload/core.ts'
import { Instant, optionalFields, ProjectId, shortText } from './common.ts'
import { SizeBytes, VideoType } from './upload.ts'

/** POST /api/uploads. */
export const UploadTokenBody = optionalFields({ project_id: v.optional(ProjectId) })

/** POST …/s3/multipart under a token for a project; Uppy does not tell the size, other clients should. */
export const CreateBody = v.looseObject({
  filename: shortText(255),
  type: VideoType,
  size_bytes: v.optional(SizeBytes),
})

/** POST …/s3/multipart under a token for one file, whose name and type the token fixes; its size if it does not. */
export const CreateFileBody = v.looseObject({ size_bytes: v.optional(SizeBytes) })

/** POST …/s3/multipart/:uploadId/complete. */
export const CompleteBody = v.looseObject({
  parts: v.pipe(
    v.array(
      v.looseObject({
        PartNumber: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MOST_PARTS)),
        ETag: v.pipe(v.string(), v.minLength(1), v.maxLength(1024)),
      }),
    ),
    v.minLength(1),
    v.maxLength(MOST_PARTS),
  ),
})

const Bytes = v.pipe(v.number(), v.safeInteger(), v.minValue(0))

/** POST /api/uploads. */
export const UploadPage = v.object({ companion_url: v.string(), expires_at: Instant })
export type UploadPage = v.InferOutput<typeof UploadPage>

/** POST …/s3/multipart. */
export const BegunUpload = v.object({
  key: v.string(),
  uploadId: v.string(),
  part_size_bytes: Bytes,
})
export type BegunUpload = v.InferOutput<typeof BegunUpload>

/** GET …/s3/multipart/:upload/:part. */
export const SignedPart = v.object({
  url: v.string(),
  expires_at: Instant,
  /** Of this part by the plan of its upload; null where there is none, as long as the file's size is not known. */
  size_bytes: v.nullable(Bytes),
})
export type SignedPart = v.InferOutput<typeof SignedPart>

/** GET …/s3/multipart/:upload. */
export const PartList = v.array(
  v.object({
    PartNumber: Bytes,
    Size: Bytes,
    ETag: v.string(),
    /** In hex; missing where storage does not say it. */
    MD5: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/))),
  }),
)
export type PartList = v.InferOutput<typeof PartList>

/** GET …/s3/multipart/:upload/progress. */
export const UploadProgress = v.object({
  key: v.string(),
  upload_id: v.string(),
  status: v.picklist(['open', 'complete']),
  parts: Bytes,
  uploaded_bytes: Bytes,
  size_bytes: v.nullable(Bytes),
  percent: v.nullable(v.pipe(v.number(), v.minValue(0), v.maxValue(100))),
  part_size_bytes: Bytes,
})
export type UploadProgress = v.InferOutput<typeof UploadProgress>

/** POST …/s3/multipart/:upload/complete. */
export const CompletedUpload = v.object({
  location: v.string(),
  key: v.string(),
  size: Bytes,
  etag: v.string(),
})
export type CompletedUpload = v.InferOutput<typeof CompletedUpload>

/** DELETE …/s3/multipart/:upload. */
export const AbortedUpload = v.strictObject({})

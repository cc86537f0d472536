/** Schemas of the multipart routes. Uppy sends more fields than needed, so unknown ones are accepted here. */
import * as v from 'valibot'
import { MAX_PARTS } from '../../../actors/upload/rules.ts'
import type * as wire from '../../../wire/files.ts'
import { accepting, describing } from '../../http/describing.ts'
import { count, Instant, optionalFields, ProjectId, shortText } from '../../http/fields.ts'
import { SizeBytes, VideoType } from '../schemas.ts'

/** POST /api/uploads. */
export const UploadTokenBody = optionalFields({ project_id: v.optional(ProjectId) })

/** POST …/s3/multipart under a token for a project; Uppy does not send the size, other clients should. */
export const CreateBody = accepting<wire.BeginUpload>()(
  v.looseObject({
    filename: shortText(255),
    type: VideoType,
    size_bytes: v.optional(SizeBytes),
  }),
)

/** POST …/s3/multipart under a token for one file, which fixes name and type, and may fix the size. */
export const CreateFileBody = v.looseObject({ size_bytes: v.optional(SizeBytes) })

/** POST …/s3/multipart/:uploadId/complete. */
export const CompleteBody = accepting<wire.CompleteUpload>()(
  v.looseObject({
    parts: v.pipe(
      v.array(
        v.looseObject({
          PartNumber: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_PARTS)),
          ETag: v.pipe(v.string(), v.minLength(1), v.maxLength(1024)),
        }),
      ),
      v.minLength(1),
      v.maxLength(MAX_PARTS),
    ),
  }),
)

/** POST /api/uploads. */
export const UploadPage = v.object({ companion_url: v.string(), expires_at: Instant })
export type UploadPage = v.InferOutput<typeof UploadPage>

/** POST …/s3/multipart. */
export const BegunUpload = describing<wire.BegunUpload>()(
  v.object({
    key: v.string(),
    uploadId: v.string(),
    part_size_bytes: count,
  }),
)

/** GET …/s3/multipart/:upload/:part. */
export const SignedPart = describing<wire.SignedPart>()(
  v.object({
    url: v.string(),
    expires_at: Instant,
    /** Size of this part by the upload's plan; null while the file's size is not known. */
    size_bytes: v.nullable(count),
  }),
)

/** GET …/s3/multipart/:upload. */
export const PartList = describing<wire.StoredPart[]>()(
  v.array(
    v.object({
      PartNumber: count,
      Size: count,
      ETag: v.string(),
      /** In hex; absent when storage does not return it. */
      MD5: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/))),
    }),
  ),
)

/** GET …/s3/multipart/:upload/progress. */
export const UploadProgress = v.object({
  key: v.string(),
  upload_id: v.string(),
  status: v.picklist(['open', 'complete']),
  parts: count,
  uploaded_bytes: count,
  size_bytes: v.nullable(count),
  percent: v.nullable(v.pipe(v.number(), v.minValue(0), v.maxValue(100))),
  part_size_bytes: count,
})
export type UploadProgress = v.InferOutput<typeof UploadProgress>

/** POST …/s3/multipart/:upload/complete. */
export const CompletedUpload = describing<wire.CompletedUpload>()(
  v.object({
    location: v.string(),
    key: v.string(),
    size: count,
    etag: v.string(),
  }),
)

/** DELETE …/s3/multipart/:upload. */
export const AbortedUpload = v.strictObject({})

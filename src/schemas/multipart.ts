/** The bodies of the multipart routes. Uppy sends more than it is asked for, so unknown fields are let through here. */
import * as v from 'valibot'
import { MOST_PARTS } from '../../actors/upload/core.ts'
import { ProjectId, shortText } from './common.ts'
import { SizeBytes, VideoType } from './upload.ts'

/** POST /api/uploads. */
export const UploadTokenBody = v.strictObject({ project_id: v.optional(ProjectId) })

/** POST …/s3/multipart under a token for a project; Uppy does not tell the size, other clients should. */
export const CreateBody = v.looseObject({
  filename: shortText(255),
  type: VideoType,
  size_bytes: v.optional(SizeBytes),
})

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

/** The body of POST /api/videos/upload-url. */
import * as v from 'valibot'
import { mediaType } from '../body.ts'
import { JobId, ProjectId, shortText } from './common.ts'

/** Video of any kind, and the image types that overlays take. SVG can carry scripts and is not among them. */
const ACCEPTED = /^(?:video\/[a-z0-9][a-z0-9.+-]{0,100}|image\/png|image\/jpeg)$/

/** Parameters such as codecs are dropped: the type alone is signed. */
export const VideoType = v.pipe(
  v.string(),
  v.transform((text) => mediaType(text)),
  v.regex(ACCEPTED, 'This must be a video type, image/png or image/jpeg.'),
)

export const SizeBytes = v.pipe(v.number(), v.safeInteger(), v.minValue(1))

export const UploadUrlBody = v.strictObject({
  filename: shortText(255),
  content_type: VideoType,
  size_bytes: SizeBytes,
  project_id: v.optional(ProjectId),
  job_id: v.optional(JobId),
})

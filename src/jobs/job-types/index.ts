import { crop } from './crop.ts'
import type { JobType } from './job-type.ts'
import { overlay } from './overlay.ts'
import { transcode } from './transcode.ts'
import { trim } from './trim.ts'

/** All job types by name. */
export const JOB_TYPES: ReadonlyMap<string, JobType> = new Map(
  [overlay, trim, crop, transcode].map((type) => [type.name, type]),
)

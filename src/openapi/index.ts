/** What is written down about every route, in the order of the document. */
import { ADMIN_OPERATIONS } from './admin.ts'
import { ONE_JOB_OPERATIONS } from './job.ts'
import { JOB_OPERATIONS } from './jobs.ts'
import type { Operation } from './operation.ts'
import { REPORT_OPERATIONS } from './reports.ts'
import { SERVICE_OPERATIONS } from './service.ts'
import { UPLOAD_OPERATIONS } from './uploads.ts'
import { VIDEO_OPERATIONS } from './videos.ts'
import { WATCH_OPERATIONS } from './watch.ts'

export const OPERATIONS: readonly Operation[] = [
  ...JOB_OPERATIONS,
  ...ONE_JOB_OPERATIONS,
  ...WATCH_OPERATIONS,
  ...REPORT_OPERATIONS,
  ...VIDEO_OPERATIONS,
  ...UPLOAD_OPERATIONS,
  ...ADMIN_OPERATIONS,
  ...SERVICE_OPERATIONS,
]

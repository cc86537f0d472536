/** The types of requests and answers, by the names that users of the client import. */
import type { CancelledInstead, DeletedJob, JobJson } from '../wire/job.ts'
import type { CreateFields, JobType, ParamsByType, VideoSource } from '../wire/requests.ts'

export type { EventJson as JobEvent, WebhookEvent } from '../wire/events.ts'
export type { Answer, ExportsBinding, ExportsProps, Refused } from '../wire/exports.ts'
export type { StoredVideo, UploadPlan } from '../wire/files.ts'
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
export type {
  CropParams,
  ImageItem,
  JobType,
  ListQuery,
  OutputSettings,
  OverlayItem,
  OverlayParams,
  ParamsByType,
  PolicyLimits,
  TextItem,
  TranscodeParams,
  TrimParams,
} from '../wire/requests.ts'
export type { Health, HealthCheck, JobTypeInfo } from '../wire/service.ts'
export type { ProgressMessage, ServerMessage } from '../wire/socket.ts'
export type { IssuedToken, Scope, TokenRequest } from '../wire/tokens.ts'

/** The input of `jobs.create`; `params` is optional for types that accept `{}`. */
export type CreateJob = {
  [T in JobType]: CreateFields &
    VideoSource &
    (Record<never, never> extends ParamsByType[T]
      ? { type: T; params?: ParamsByType[T] }
      : { type: T; params: ParamsByType[T] })
}[JobType]

/** `success`: the job is deleted. Otherwise it was active, and is being cancelled instead. */
export type DeleteAnswer = DeletedJob | CancelledInstead

/** True for a job that can only be retried or deleted. */
export function isEnded(job: Pick<JobJson, 'status'>): boolean {
  return job.status === 'complete' || job.status === 'error' || job.status === 'cancelled'
}

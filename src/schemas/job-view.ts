/** Jobs as the API answers them, and their event log. */
import * as v from 'valibot'
import type { EventJson } from '../../wire/events.ts'
import type * as wire from '../../wire/job.ts'
import { Instant, JobId, OpenJson, ProjectId, shortText } from './common.ts'
import { describing } from './describing.ts'

/** In the order of a job's life; the type names them all, so that none can be missing. */
const STATUSES: Record<wire.JobStatus, true> = {
  pending: true,
  queued: true,
  processing: true,
  cancelling: true,
  complete: true,
  error: true,
  cancelled: true,
}

function isStatus(name: string): name is wire.JobStatus {
  return Object.hasOwn(STATUSES, name)
}

export const JOB_STATUSES: readonly wire.JobStatus[] = Object.keys(STATUSES).filter(isStatus)

export const JobStatus = v.picklist(JOB_STATUSES)

export const Tag = shortText(128)

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const amount = v.pipe(v.number(), v.minValue(0))

/** Why a job, or its last attempt, failed. */
export const Failure = describing<wire.JobFailure>()(
  v.object({ code: v.string(), message: v.string(), retryable: v.boolean() }),
)

/** Seconds on GPUs, and money where the deployment knows a price. */
const Usage = describing<wire.JobUsage>()(
  v.object({
    gpu_seconds: amount,
    wasted_seconds: amount,
    after_cancel_seconds: v.optional(amount),
    queue_seconds: v.optional(amount),
    estimated: v.optional(v.boolean()),
    cost: v.optional(v.nullable(amount)),
    wasted_cost: v.optional(v.nullable(amount)),
  }),
)

const Urls = describing<wire.JobUrls>()(
  v.object({
    self: v.string(),
    ws: v.string(),
    events: v.string(),
    cancel: v.string(),
    retry: v.string(),
  }),
)

/** What the list knows of a job. */
const summary = {
  id: JobId,
  project_id: ProjectId,
  type: v.string(),
  status: JobStatus,
  progress: v.pipe(v.number(), v.minValue(0), v.maxValue(100)),
  stage: v.nullable(v.string()),
  input_video_key: v.string(),
  output_video_key: v.nullable(v.string()),
  params: OpenJson,
  metadata: OpenJson,
  tags: v.array(v.string()),
  attempt: count,
  max_attempts: count,
  round: count,
  runpod_job_id: v.nullable(v.string()),
  error: v.nullable(Failure),
  usage: Usage,
  created_at: Instant,
  started_at: v.nullable(Instant),
  finished_at: v.nullable(Instant),
  expires_at: v.nullable(Instant),
  version: count,
  urls: Urls,
}

export const JobSummary = describing<wire.JobSummary>()(v.object({ ...summary, archived: v.boolean() }))

/** A job, live from its actor; `archived` when it was retired and its row answers for it. */
export const Job = describing<wire.JobJson>()(
  v.object({
    ...summary,
    message: v.nullable(v.string()),
    eta_seconds: v.nullable(amount),
    last_report_at: v.nullable(Instant),
    reason: v.string(),
    next_action: v.nullable(v.object({ at: Instant, what: v.string() })),
    output_size_bytes: v.nullable(count),
    input_url: v.nullable(v.string()),
    output_url: v.nullable(v.string()),
    next_attempt_at: v.nullable(Instant),
    cancel: v.nullable(v.object({ requested_at: Instant, confirmed: v.boolean() })),
    archived: v.optional(v.boolean()),
  }),
)

/** One line of a job's event log. */
export const JobEvent = describing<EventJson>()(
  v.object({
    seq: count,
    type: v.string(),
    at: Instant,
    round: v.nullable(count),
    attempt: v.nullable(count),
    data: OpenJson,
  }),
)

/** GET /api/jobs. */
export const JobList = describing<wire.JobPage>()(
  v.object({ jobs: v.array(JobSummary), next_cursor: v.nullable(v.string()) }),
)

/** POST /api/jobs. */
export const CreatedJob = describing<wire.CreatedJob>()(
  v.object({
    job_id: JobId,
    status: JobStatus,
    websocket_url: v.string(),
    job: Job,
  }),
)

/** DELETE of an ended job. */
export const DeletedJob = describing<wire.DeletedJob>()(v.object({ success: v.literal(true) }))

/** DELETE of an active job. */
export const CancelledInstead = describing<wire.CancelledInstead>()(
  v.object({
    success: v.literal(false),
    job_id: JobId,
    status: JobStatus,
    detail: v.string(),
    job: Job,
  }),
)

/** GET /api/jobs/:id/events. */
export const EventPage = describing<wire.EventsPage>()(
  v.object({
    events: v.array(JobEvent),
    next_after: count,
    first_seq: count,
    last_seq: count,
  }),
)

/** Schemas of jobs and their log as the API returns them, and of requests about them. */
import * as v from 'valibot'
import type { Limits, Policy } from '../../actors/export-job/core/job.ts'
import { DEFAULT_ENDPOINT, GPU_BUDGET_BOUNDS, POLICY_BOUNDS } from '../../actors/export-job/core/policy.ts'
import { WEBHOOK_ENDS, WEBHOOK_EVENTS } from '../../actors/export-job/core/shown/webhook-message.ts'
import type { EventJson } from '../../wire/events.ts'
import type * as wire from '../../wire/job.ts'
import type * as asked from '../../wire/requests.ts'
import type { JobTypeInfo } from '../../wire/service.ts'
import { SourceKey } from '../files/object-keys.ts'
import { accepting, describing, queried } from '../http/describing.ts'
import {
  amount,
  count,
  flag,
  GivenInstant,
  Instant,
  isObject,
  OpenJson,
  optionalFields,
  ProjectId,
  shortText,
  whole,
} from '../http/fields.ts'
import { JobId } from './ids.ts'
import { JOB_TYPES } from './job-types/index.ts'
import type { OpenObject } from './job-types/job-type.ts'

/** In the order of a job's life; the type requires every status, so that none can be missing. */
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

/** The failure of a job, or of its last attempt. */
export const Failure = describing<wire.JobFailure>()(
  v.object({ code: v.string(), message: v.string(), retryable: v.boolean() }),
)

/** Seconds on GPUs, and the cost when the deployment has a price. */
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

const Queue = describing<wire.JobQueue>()(
  v.object({
    ahead: count,
    ahead_of_project: count,
    as_of: Instant,
    paused: v.boolean(),
    reason: v.string(),
  }),
)

/** The fields of a job that the list contains. */
const summary = {
  id: JobId,
  project_id: ProjectId,
  type: v.string(),
  status: JobStatus,
  progress: v.pipe(v.number(), v.minValue(0), v.maxValue(100)),
  stage: v.nullable(v.string()),
  input_video_key: v.nullable(v.string()),
  input_video_url: v.nullable(v.string()),
  output_video_key: v.nullable(v.string()),
  params: OpenJson,
  metadata: OpenJson,
  tags: v.array(v.string()),
  attempt: count,
  max_attempts: count,
  endpoint: v.string(),
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

/** A job, live from its actor; `archived` when it was retired and comes from its row. */
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
    poster_url: v.nullable(v.string()),
    next_attempt_at: v.nullable(Instant),
    queue: v.nullable(Queue),
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

const MAX_METADATA_BYTES = 4096
/** Rows of the list keep their params for a while, and a database is limited in size. */
const MAX_PARAMS_BYTES = 65_536
const MAX_TAGS = 10
const MAX_URL_CHARACTERS = 2048
/** Signed URLs are long: those of stores with session tokens exceed 2,000 characters. */
const MAX_INPUT_URL_CHARACTERS = 4096

/** A JSON object, not validated further: the body was parsed by JSON.parse, so it contains nothing else. */
const AnyObject = v.custom<OpenObject>(isObject, 'This must be a JSON object.')

function objectUpTo(bytes: number, name: string) {
  const fits = (value: OpenObject) => new TextEncoder().encode(JSON.stringify(value)).length <= bytes
  return v.pipe(AnyObject, v.check(fits, `${name} may be at most ${bytes} bytes of JSON.`))
}

/** A time limit in seconds, within the policy bounds of the core. */
function seconds(name: Exclude<keyof Limits, 'maxAttempts'>) {
  const { least, most, standard } = POLICY_BOUNDS[name]
  const bounded = v.pipe(v.number(), v.minValue(least / 1000), v.maxValue(most / 1000))
  return v.optional(bounded, standard / 1000)
}

const { least, most, standard } = POLICY_BOUNDS.maxAttempts

export const PolicyBody = accepting<asked.PolicyLimits>()(
  optionalFields({
    max_attempts: v.optional(v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most)), standard),
    queue_timeout_seconds: seconds('queueTimeoutMs'),
    stall_timeout_seconds: seconds('stallTimeoutMs'),
    execution_timeout_seconds: seconds('executionTimeoutMs'),
    deadline_seconds: seconds('deadlineMs'),
    retention_seconds: seconds('retentionMs'),
    endpoint: v.optional(v.string(), DEFAULT_ENDPOINT),
    priority: v.optional(v.pipe(v.number(), v.integer(), v.minValue(-10), v.maxValue(10)), 0),
    max_gpu_seconds: v.optional(
      v.pipe(
        v.number(),
        v.minValue(GPU_BUDGET_BOUNDS.least / 1000),
        v.maxValue(GPU_BUDGET_BOUNDS.most / 1000),
      ),
    ),
  }),
)

export const CreateJobBody = accepting<asked.CreateJobRequest>()(
  v.strictObject({
    project_id: ProjectId,
    type: v.pipe(v.string(), v.minLength(1)),
    /** Exactly one of these two is required. */
    input_video_key: v.optional(SourceKey),
    input_video_url: v.optional(v.pipe(v.string(), v.maxLength(MAX_INPUT_URL_CHARACTERS))),
    params: objectUpTo(MAX_PARAMS_BYTES, 'Params'),
    metadata: v.optional(objectUpTo(MAX_METADATA_BYTES, 'Metadata'), () => ({})),
    tags: v.optional(v.pipe(v.array(Tag), v.maxLength(MAX_TAGS)), () => []),
    policy: v.optional(PolicyBody, {}),
    webhook_url: v.optional(v.pipe(v.string(), v.maxLength(MAX_URL_CHARACTERS))),
    webhook_events: v.optional(v.pipe(v.array(v.picklist(WEBHOOK_EVENTS)), v.minLength(1)), () => [
      ...WEBHOOK_ENDS,
    ]),
  }),
)

/** The same, with exactly one input video. */
export const CreateJobRequest = v.pipe(
  CreateJobBody,
  v.rawCheck(({ dataset: { value: body }, addIssue }) => {
    if (!isObject(body)) return
    const wrong = (key: string, message: string) =>
      addIssue({ message, path: [{ type: 'object', origin: 'value', input: body, key, value: body[key] }] })
    const { input_video_key: key, input_video_url: url } = body
    if (key === undefined && url === undefined)
      wrong('input_video_key', 'Name the video by input_video_key, or by input_video_url.')
    if (key !== undefined && url !== undefined)
      wrong('input_video_url', 'Name the video by input_video_key or by this, not both.')
  }),
)

/** Converts the API's seconds to the core's milliseconds. */
export function policyOf(body: v.InferOutput<typeof PolicyBody>): Policy {
  const ms = (value: number) => Math.round(value * 1000)
  return {
    maxAttempts: body.max_attempts,
    queueTimeoutMs: ms(body.queue_timeout_seconds),
    stallTimeoutMs: ms(body.stall_timeout_seconds),
    executionTimeoutMs: ms(body.execution_timeout_seconds),
    deadlineMs: ms(body.deadline_seconds),
    retentionMs: ms(body.retention_seconds),
    ...(body.endpoint !== DEFAULT_ENDPOINT && { endpoint: body.endpoint }),
    ...(body.priority !== 0 && { priority: body.priority }),
    ...(body.max_gpu_seconds !== undefined && { maxGpuMs: ms(body.max_gpu_seconds) }),
  }
}

const LONGEST_WAIT_SECONDS = 60

/** Name of a RunPod endpoint, which may have been removed from the settings. */
export const EndpointName = shortText(64)

export const ErrorCode = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_]{0,63}$/, 'This is no error code.'))

/** GET /api/jobs. */
export const ListQuery = queried<asked.ListQuery>()(
  v.object({
    project_id: v.optional(whole(1)),
    status: v.optional(v.array(JobStatus), () => []),
    type: v.optional(v.picklist([...JOB_TYPES.keys()])),
    tag: v.optional(Tag),
    error_code: v.optional(ErrorCode),
    endpoint: v.optional(EndpointName),
    waiting: v.optional(flag),
    /** A part of the name, in any case. */
    name: v.optional(shortText(200)),
    /** The first characters of an id, or all of it; the other filters are then ignored. */
    id: v.optional(
      v.pipe(
        v.string(),
        v.regex(/^[0-9a-fA-F-]{8,36}$/, 'Give at least the first eight characters of an id.'),
        v.toLowerCase(),
      ),
    ),
    created_after: v.optional(GivenInstant),
    created_before: v.optional(GivenInstant),
    limit: v.optional(whole(1)),
    cursor: v.optional(v.string()),
  }),
)

/** GET /api/jobs/:id. */
export const JobQuery = queried<asked.JobQuery>()(
  v.object({
    wait: v.optional(
      v.pipe(
        whole(1),
        v.maxValue(LONGEST_WAIT_SECONDS, `This must be ${LONGEST_WAIT_SECONDS} seconds at most.`),
      ),
    ),
  }),
)

/** The job at the time of the event, in the API's names; URLs are absolute, and `output_url` is freshly signed. */
const WebhookJob = v.object({
  ...v.pick(Job, [
    'id',
    'project_id',
    'type',
    'status',
    'progress',
    'stage',
    'attempt',
    'max_attempts',
    'round',
    'runpod_job_id',
    'input_video_key',
    'input_video_url',
    'output_video_key',
    'output_size_bytes',
    'output_url',
    'error',
    'cancel',
    'metadata',
    'tags',
    'created_at',
    'started_at',
    'finished_at',
    'version',
  ]).entries,
  url: v.nullable(v.string()),
})

export const WebhookMessage = v.object({
  type: v.picklist(WEBHOOK_EVENTS.map((event) => `job.${event}` as const)),
  timestamp: Instant,
  data: v.object({ job: WebhookJob }),
})

const JobType = v.object({ name: v.string(), summary: v.string(), params: OpenJson })

/** GET /api/job-types: `params` is JSON Schema 2020-12 of the params in a request. */
export const JobTypes = describing<{ types: JobTypeInfo[] }>()(v.object({ types: v.array(JobType) }))

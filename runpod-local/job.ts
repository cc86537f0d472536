/**
 * A RunPod job as the cloud presents it: its states, the envelope of `/status` and the webhook, and further fields that
 * are kept for `GET /jobs`.
 */
import { randomUUID } from 'node:crypto'

export type JobStatus = 'IN_QUEUE' | 'IN_PROGRESS' | 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'TIMED_OUT'

export type JsonObject = Record<string, unknown>

/** The request of `/run`; times in milliseconds. */
export interface JobRequest {
  input: JsonObject
  webhook: string | null
  executionTimeoutMs: number
  ttlMs: number
}

/** The Exportal attempt of a RunPod job, read from its input; null where the input does not contain it. */
export interface JobLabel {
  jobId: string | null
  round: number | null
  attempt: number | null
  type: string | null
  /** Fault switches sent with the job in `input.metadata.faults`; not yet validated. */
  ownFaults: unknown
}

/** One run of the job by a worker. Instants are milliseconds since the epoch. */
export interface Run {
  workerId: string
  startedAt: number
  endedAt: number | null
  outcome: string | null
  stop: AbortController
}

/** One try to deliver the webhook: the status of the answer, or why there was none. */
export interface Delivery {
  at: number
  result: number | string
}

export interface Job {
  id: string
  sync: boolean
  request: JobRequest
  label: JobLabel
  status: JobStatus
  output: unknown
  error: string | null
  retries: number
  /** Parts not yet returned by `/stream`. */
  parts: unknown[]
  acceptedAt: number
  queuedAt: number
  startedAt: number | null
  endedAt: number | null
  deletedAt: number | null
  workerId: string | null
  runs: Run[]
  deliveries: Delivery[]
  /** Functions that cancel the job's pending timers, by purpose. */
  timers: Map<'ttl' | 'execution' | 'retention' | 'kept' | 'lost', () => void>
  /** Called on every change. */
  watchers: Set<() => void>
}

const MB = 1024 * 1024

/** Maximum size of a request of `/run` or `/runsync` and of its result, bytes (runpod/docs, operation-reference). */
export function sizeLimit(sync: boolean): number {
  return (sync ? 20 : 10) * MB
}

/** Whether a job in this state will not change any more, by the SDKs' definition. */
export function isFinal(status: JobStatus): boolean {
  return status !== 'IN_QUEUE' && status !== 'IN_PROGRESS'
}

/** A new job. Ids have the cloud's form: a uuid, `-u1`, and the prefix `sync-` for `/runsync`. */
export function newJob(request: JobRequest, sync: boolean, now: number): Job {
  return {
    id: `${sync ? 'sync-' : ''}${randomUUID()}-u1`,
    sync,
    request,
    label: labelOf(request.input),
    status: 'IN_QUEUE',
    output: undefined,
    error: null,
    retries: 0,
    parts: [],
    acceptedAt: now,
    queuedAt: now,
    startedAt: null,
    endedAt: null,
    deletedAt: null,
    workerId: null,
    runs: [],
    deliveries: [],
    timers: new Map(),
    watchers: new Set(),
  }
}

/** Reads the Exportal attempt from any input. */
export function labelOf(input: JsonObject): JobLabel {
  const metadata = isObject(input.metadata) ? input.metadata : {}
  return {
    jobId: typeof input.job_id === 'string' ? input.job_id : null,
    round: typeof input.round === 'number' ? input.round : null,
    attempt: typeof input.attempt === 'number' ? input.attempt : null,
    type: typeof input.type === 'string' ? input.type : null,
    ownFaults: metadata.faults,
  }
}

/**
 * The answer of `/status`, and the body of the webhook. As in the cloud it contains input and webhook unchanged,
 * including their tokens: it must not be logged.
 */
export function envelope(job: Job, now: number): JsonObject {
  const { status } = job
  if (status === 'IN_QUEUE') {
    return { id: job.id, status, ...(job.retries > 0 && { retries: job.retries }) }
  }
  const ranUntil = job.endedAt ?? now
  return {
    id: job.id,
    status,
    delayTime: (job.startedAt ?? ranUntil) - job.queuedAt,
    ...(job.startedAt !== null && isFinal(status) && { executionTime: ranUntil - job.startedAt }),
    ...(job.workerId !== null && { workerId: job.workerId }),
    ...(job.retries > 0 && { retries: job.retries }),
    input: job.request.input,
    ...(job.output !== undefined && { output: job.output }),
    ...(job.error !== null && { error: job.error }),
    ...(job.request.webhook !== null && { webhook: job.request.webhook }),
  }
}

/** The job in `GET /jobs`: without input, URL and token. Instants are RFC 3339. */
export function debugView(job: Job): JsonObject {
  return {
    id: job.id,
    job_id: job.label.jobId,
    round: job.label.round,
    attempt: job.label.attempt,
    type: job.label.type,
    status: job.status,
    error: job.error,
    retries: job.retries,
    worker_running: job.runs.some((run) => run.endedAt === null),
    runs: job.runs.map((run) => ({
      worker_id: run.workerId,
      started_at: instant(run.startedAt),
      ended_at: instant(run.endedAt),
      outcome: run.outcome,
    })),
    webhook: job.deliveries.map(({ at, result }) => ({ at: instant(at), result })),
    accepted_at: instant(job.acceptedAt),
    started_at: instant(job.startedAt),
    ended_at: instant(job.endedAt),
    deleted_at: instant(job.deletedAt),
  }
}

/** Whether a JSON value is an object, neither an array nor null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function instant(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}

/**
 * A RunPod job as the cloud shows it: its states, the envelope that `/status` and the webhook share, and what
 * this computer remembers beside it for `GET /jobs`.
 */
import { randomUUID } from 'node:crypto'

export type JobStatus = 'IN_QUEUE' | 'IN_PROGRESS' | 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'TIMED_OUT'

export type JsonObject = Record<string, unknown>

/** What the caller of `/run` asked for; times in milliseconds. */
export interface JobRequest {
  input: JsonObject
  webhook: string | null
  executionTimeoutMs: number
  ttlMs: number
}

/** Which Exportal attempt a RunPod job carries, read from its input; null where the input does not say. */
export interface JobLabel {
  jobId: string | null
  round: number | null
  attempt: number | null
  type: string | null
  /** Fault switches sent with the job itself, in `input.metadata.faults`; not yet validated. */
  ownFaults: unknown
}

/** One time that a worker took the job. Instants are milliseconds since the epoch. */
export interface Run {
  workerId: string
  startedAt: number
  endedAt: number | null
  outcome: string | null
  stop: AbortController
}

/** One try to deliver the webhook: the status answered, or why there was none. */
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
  /** Parts not yet handed out by `/stream`. */
  parts: unknown[]
  acceptedAt: number
  queuedAt: number
  startedAt: number | null
  endedAt: number | null
  deletedAt: number | null
  workerId: string | null
  runs: Run[]
  deliveries: Delivery[]
  /** Takes back a pending timer of the job, by what it is for. */
  timers: Map<'ttl' | 'execution' | 'retention' | 'kept' | 'lost', () => void>
  /** Woken whenever something changes. */
  watchers: Set<() => void>
}

/** Whether nothing more will happen to a job in this state, as the SDKs see it. */
export function isFinal(status: JobStatus): boolean {
  return status !== 'IN_QUEUE' && status !== 'IN_PROGRESS'
}

/** A job just accepted. Ids look like the cloud's: a uuid, `-u1`, and `sync-` in front for `/runsync`. */
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

/** Reads which Exportal attempt an input belongs to, tolerating any input. */
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
 * The answer of `/status`, and the body of the webhook. Input and webhook come back as they were sent, tokens
 * included, like in the cloud: never log it.
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

/** The job as `GET /jobs` lists it: no input, no URL, no token. Instants are RFC 3339. */
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

/** Whether a JSON value is an object, not an array and not null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function instant(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}

/**
 * Every error that this client throws on purpose, so that callers can distinguish a refusal from a broken connection.
 */
import type { FieldError } from '../wire/problem.ts'
import type { Job, JobFailure } from './types.ts'

export type { FieldError }

export interface Problem {
  status: number
  code: string
  detail: string
  errors?: FieldError[]
  requestId?: string | undefined
  retryAfterMs?: number | undefined
  etag?: string | undefined
}

/** A refusal by the service: an RFC 9457 problem, or a close code of its sockets. */
export class ExportalError extends Error {
  override name = 'ExportalError'
  readonly status: number
  /** Stable; branch on it. */
  readonly code: string
  readonly detail: string
  readonly errors: readonly FieldError[]
  /** Include it when you contact the operator. */
  readonly requestId: string | undefined
  readonly retryAfterMs: number | undefined
  /** ETag of a conflicting object, such as a file that exists already; without quotes. */
  readonly etag: string | undefined

  constructor(problem: Problem) {
    super(`${problem.detail} (${problem.status} ${problem.code})`)
    this.status = problem.status
    this.code = problem.code
    this.detail = problem.detail
    this.errors = problem.errors ?? []
    this.requestId = problem.requestId
    this.retryAfterMs = problem.retryAfterMs
    this.etag = problem.etag
  }
}

/** There was no answer of the service, so it is not known whether the request was carried out. `cause` contains the reason. */
export class ExportalConnectionError extends Error {
  override name = 'ExportalConnectionError'
}

/** A job that was waited for ended with another status than complete. */
export class ExportJobFailed extends Error {
  override name = 'ExportJobFailed'
  readonly job: Job
  /** Null when the job was cancelled. */
  readonly error: JobFailure | null

  constructor(job: Job) {
    super(
      job.error
        ? `Export ${job.id} failed: ${job.error.message} (${job.error.code})`
        : `Export ${job.id} ended as ${job.status}`,
    )
    this.job = job
    this.error = job.error
  }
}

/** The wait exceeded its limit. The job continues: `jobId` identifies it. */
export class ExportalTimeoutError extends Error {
  override name = 'ExportalTimeoutError'
  readonly jobId: string
  /** The last known state. */
  readonly job: Job | null

  constructor(jobId: string, job: Job | null, timeoutMs: number) {
    super(`Export ${jobId} was not finished after ${timeoutMs} ms; it is still running`)
    this.jobId = jobId
    this.job = job
  }
}

/** Parses a refusal of the service or of an intermediary: a proxy's HTML page becomes a typed error, too. */
export function problemOf(status: number, headers: Headers, text: string): ExportalError {
  const body = objectOf(text)
  const string = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)
  const errors = Array.isArray(body.errors) ? (body.errors as FieldError[]) : []
  return new ExportalError({
    status,
    code: string(body.code) ?? `http_${status}`,
    detail: string(body.detail) ?? string(body.title) ?? `The service answered ${status}`,
    errors,
    requestId: headers.get('x-request-id') ?? string(body.request_id),
    retryAfterMs: retryAfterOf(headers),
    etag: headers.get('etag')?.replaceAll('"', ''),
  })
}

function objectOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

/**
 * Parses seconds or an HTTP date (RFC 9110, 10.2.3); undefined for anything else. A date is compared with the answer's
 * own Date header if that is readable, since the local clock may be hours off.
 */
function retryAfterOf(headers: Headers): number | undefined {
  const text = headers.get('retry-after')?.trim() ?? ''
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, Number.MAX_SAFE_INTEGER)
  // Date.parse accepts much more than dates, such as "-5" and "1.5".
  const at = /^[a-z]{3}/i.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(at)) return undefined
  const theirs = Date.parse(headers.get('date') ?? '')
  return Math.max(0, at - (Number.isNaN(theirs) ? Date.now() : theirs))
}

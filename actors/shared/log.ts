/**
 * The log of the actors: one JSON line for each commit with new events, and one for each fault of a dependency.
 * Progress is not logged. Nothing else in the actors writes to the console, so that every quoted error passes through
 * `redacted`.
 */
import type { LogLine } from '../../wire/events.ts'
import { latestAttempt } from '../export-job/core/attempts.ts'
import type { Job } from '../export-job/core/job.ts'
import { mirrorRowOf } from '../export-job/core/shown/mirror-row.ts'
import { INPUT_PREFIX, outputPrefix } from './owned-file.ts'
import { redacted } from './redact.ts'

/**
 * Logs the types of a job's new events; their data stay in the event log, except for the requester. An end includes its
 * costs, and a deletion the files to be removed. `ms` is the time since the round began.
 *
 * @param before the job before the commit; null at its creation
 * @param requestId of the causing HTTP request; null for the alarm
 */
export function logTransition(
  before: Job | null,
  job: Job,
  events: readonly LogLine[],
  now: number,
  requestId: string | null,
): void {
  const by = events.flatMap(({ data }) => ('by' in data && data.by !== undefined ? [data.by] : [])).at(0)
  const line = {
    at: 'transition',
    job_id: job.request.id,
    project_id: job.request.projectId,
    events: events.map(({ type }) => type),
    status: job.phase.status,
    round: job.round,
    attempt: latestAttempt(job)?.attempt ?? 0,
    version: job.version,
    ms: now - job.roundStartedAt,
    ...(by !== undefined && { by }),
    ...(requestId !== null && { request_id: requestId }),
    ...(events.some(({ type }) => type === job.phase.status) && endOf(job)),
    ...(before &&
      job.phase.status === 'deleting' &&
      before.phase.status !== 'deleting' && { files: filesOf(before) }),
  }
  writeLine('log', line)
}

/**
 * Logs that a worker's line has closed, with its figures; a line that returns within seconds counts as the same one.
 */
export function logLine(jobId: string | null, figures: object): void {
  writeLine('log', { at: 'line', job_id: jobId, ...figures })
}

/** The costs of an end, from the D1 row. Seconds from the start of the round, and on GPUs in all rounds. */
function endOf(job: Job) {
  const row = mirrorRowOf(job)
  if (!row || row.total_seconds === null) return null
  const { error_code, queue_seconds, total_seconds, gpu_seconds, wasted_seconds } = row
  const run_seconds =
    queue_seconds === null ? null : Math.round((total_seconds - queue_seconds) * 1000) / 1000
  return { type: job.request.type, code: error_code, queue_seconds, run_seconds, gpu_seconds, wasted_seconds }
}

/**
 * The files removed with a job: all under its prefix, and its input, unless another job uses it or it is not the
 * project's own.
 */
function filesOf({ request, phase }: Job): string[] {
  const output =
    phase.status === 'complete'
      ? [phase.output.key, phase.output.posterKey].filter((key) => key !== undefined)
      : []
  const input = request.inputVideoKey.startsWith(INPUT_PREFIX) ? [request.inputVideoKey] : []
  return [outputPrefix(request.id), ...output, ...input]
}

/** Logs the deletion of a row without an actor like that of a job; its files were removed with its actor. */
export function logRowDeleted(row: { id: string; project_id: number }, by: string, requestId: string): void {
  const { id: job_id, project_id } = row
  writeLine('log', {
    at: 'transition',
    job_id,
    project_id,
    events: ['deleting'],
    by,
    request_id: requestId,
    files: [],
  })
}

/** Logs the failure of a dependency: D1, R2, an actor. `about` must not contain secrets. */
export function logFault(at: string, error: unknown, about: Record<string, string | number> = {}): void {
  writeLine('error', { at, ...about, error: redacted(String(error)) })
}

/** Constant for the lifetime of the isolate. */
let workerVersion: string | null = null

/** Sets the version in every line; called by the Worker's entry, before anything is logged. */
export function setWorkerVersion(version: string | null): void {
  workerVersion = version
}

/** Writes one line of JSON, with the version of the Worker. */
export function writeLine(to: 'log' | 'error', line: object): void {
  console[to](JSON.stringify({ ...line, worker_version: workerVersion }))
}

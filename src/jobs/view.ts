/** Jobs from rows in D1, with the field names of the actor's own view. */

import { iso } from '../../actors/export-job/core/iso.ts'
import type { JobRow } from '../../actors/export-job/effects/job-columns.ts'
import { urlsOf } from '../../actors/export-job/present.ts'
import type { JobFailure, JobJson, JobSummary } from '../../wire/job.ts'
import type { JsonObject } from '../../wire/json.ts'

/** A row as a job of the list. */
export function rowView(row: JobRow): JobSummary {
  return {
    id: row.id,
    project_id: row.project_id,
    type: row.type,
    status: row.status,
    progress: row.progress,
    stage: row.stage,
    input_video_key: row.input_video_key || null,
    input_video_url: row.input_video_url,
    output_video_key: row.output_video_key,
    params: parsed<JsonObject>(row.params),
    metadata: parsed<JsonObject>(row.metadata),
    tags: parsed<string[]>(row.tags),
    attempt: row.attempt,
    max_attempts: row.max_attempts,
    endpoint: row.endpoint,
    round: row.round,
    runpod_job_id: row.runpod_job_id,
    error: row.error === null ? null : parsed<JobFailure>(row.error),
    usage: { gpu_seconds: row.gpu_seconds, wasted_seconds: row.wasted_seconds },
    created_at: iso(row.created_at),
    started_at: instant(row.started_at),
    finished_at: instant(row.finished_at),
    expires_at: instant(row.expires_at),
    version: row.version,
    archived: row.archived !== 0,
    urls: urlsOf(row.id),
  }
}

const RETIRED = 'Retired after its retention; its videos and its event log are gone.'
const CLOSED = 'Closed by the sweep: no actor holds this job.'

/** A job without an actor: it has every field of the live view, and no next action. */
export function archivedView(row: JobRow): JobJson {
  return {
    ...rowView(row),
    message: null,
    eta_seconds: null,
    last_report_at: null,
    reason: row.archived === 0 ? CLOSED : RETIRED,
    next_action: null,
    output_size_bytes: null,
    input_url: null,
    output_url: null,
    poster_url: null,
    next_attempt_at: null,
    queue: null,
    cancel: null,
  }
}

/** Parses JSON that this service wrote. */
function parsed<T>(text: string): T {
  const value: T = JSON.parse(text)
  return value
}

function instant(at: number | null): string | null {
  return at === null ? null : iso(at)
}

/** GET /api/jobs: a page of the list, newest first, from D1 alone. */
import type { JobStatus } from '../../actors/export-job/core/job.ts'
import { requireNoSingleJob } from '../auth.ts'
import { readCursor, writeCursor } from '../cursor.ts'
import { json, type ScopedCall } from '../http.ts'
import { type ListFilters, listRows } from '../job-rows.ts'
import { JOB_TYPES } from '../job-types/index.ts'
import { rowView } from '../job-view.ts'
import { type FieldError, invalid } from '../problem.ts'
import { wholeNumber } from '../query.ts'

const STANDARD_LIMIT = 20
const MOST_LIMIT = 100

const STATUSES: Record<JobStatus, true> = {
  pending: true,
  queued: true,
  processing: true,
  cancelling: true,
  complete: true,
  error: true,
  cancelled: true,
}

/** `{jobs, next_cursor}`; a limit above the maximum is lowered to it. */
export async function listJobs(call: ScopedCall): Promise<Response> {
  requireNoSingleJob(call.caller)
  const query = call.url.searchParams
  const errors: FieldError[] = []
  const limit = wholeNumber(query, 'limit', 1, errors) ?? STANDARD_LIMIT
  const asked = wholeNumber(query, 'project_id', 1, errors)
  const filters: ListFilters = {
    projectId: call.caller.projectId ?? asked,
    status: oneOf(query, 'status', Object.keys(STATUSES), errors),
    type: oneOf(query, 'type', [...JOB_TYPES.keys()], errors),
  }
  if (errors.length > 0) throw invalid(errors)
  // Another project's jobs do not exist for a caller who is confined to one.
  if (asked !== null && asked !== filters.projectId) return json({ jobs: [], next_cursor: null })
  const bound = JSON.stringify([filters.projectId, filters.status, filters.type])
  const cursor = query.get('cursor')
  const after = cursor === null ? null : readCursor(cursor, bound)
  const size = Math.min(limit, MOST_LIMIT)
  const rows = await listRows(call.env, filters, after, size + 1)
  const page = rows.slice(0, size)
  const last = rows.length > size ? page.at(-1) : undefined
  const next = last ? writeCursor({ createdAt: last.created_at, id: last.id }, bound) : null
  return json({ jobs: page.map(rowView), next_cursor: next })
}

function oneOf(
  query: URLSearchParams,
  name: string,
  known: readonly string[],
  errors: FieldError[],
): string | null {
  const value = query.get(name)
  if (value === null || known.includes(value)) return value
  errors.push({ pointer: `/query/${name}`, detail: `This must be one of ${known.join(', ')}.` })
  return null
}

/** GET /api/jobs: a page of the list, newest first, from D1 alone. */
import type { JobPage } from '../../wire/job.ts'
import { requireNoSingleJob } from '../auth.ts'
import { readCursor, writeCursor } from '../cursor.ts'
import { json, type ScopedCall } from '../http.ts'
import { listRows, rowsById } from '../job-rows.ts'
import { rowView } from '../job-view.ts'
import type { ListFilters } from '../list-query.ts'
import { demandQuery } from '../query.ts'
import { JOB_STATUSES } from '../schemas/job-view.ts'
import { ListQuery } from '../schemas/query.ts'

const STANDARD_LIMIT = 20
const MOST_LIMIT = 100

/** A limit above the maximum is lowered to it. */
export async function listJobs(call: ScopedCall): Promise<Response> {
  requireNoSingleJob(call.caller)
  const asked = demandQuery(ListQuery, call.url.searchParams)
  const { project_id: project, status, type, tag, created_after: from, created_before: until } = asked
  const filters: ListFilters = {
    projectId: call.caller.projectId ?? project ?? null,
    statuses: status.length === 0 ? JOB_STATUSES : [...new Set(status)].sort(),
    type: type ?? null,
    tag: tag ?? null,
    errorCode: asked.error_code ?? null,
    createdAfter: from ?? null,
    createdBefore: until ?? null,
  }
  // Another project's jobs do not exist for a caller who is confined to one.
  if (project !== undefined && project !== filters.projectId) return page({ jobs: [], next_cursor: null })
  const size = Math.min(asked.limit ?? STANDARD_LIMIT, MOST_LIMIT)
  if (asked.id !== undefined) {
    const found = await rowsById(call.env, asked.id, filters.projectId, size)
    return page({ jobs: found.map(rowView), next_cursor: null })
  }
  const bound = JSON.stringify(Object.values(filters))
  const after = asked.cursor === undefined ? null : readCursor(asked.cursor, bound)
  const { rows, end } = await listRows(call.env, filters, after, size)
  return page({ jobs: rows.map(rowView), next_cursor: end && writeCursor(end, bound) })
}

function page(body: JobPage): Response {
  return json(body)
}

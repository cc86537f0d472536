/** GET /api/jobs: a page of the list, newest first, from D1 alone. */
import { etagOf } from '../../actors/shared/entity-tag.ts'
import type { JobPage } from '../../wire/job.ts'
import { requireNoSingleJob } from '../auth/caller.ts'
import { readCursor, writeCursor } from '../d1/cursor.ts'
import { listRows, rowsById } from '../d1/list.ts'
import { filtersOf } from '../d1/list-query.ts'
import { noneMatches } from '../http/conditional.ts'
import { type Asked, jsonText, type ScopedCall } from '../http/exchange.ts'
import { parseQuery } from '../http/parse-query.ts'
import { JOB_STATUSES, ListQuery } from './schemas.ts'
import { rowView } from './view.ts'

const STANDARD_LIMIT = 20
const MAX_LIMIT = 100

/** 200 with an ETag, or 304 while the page has not changed since the client's tag. */
export async function listJobs(call: ScopedCall): Promise<Response> {
  const text = JSON.stringify(await listed(call, call.url.searchParams))
  const headers = { ETag: etagOf(text), 'Cache-Control': 'private, no-store' }
  const condition = call.request.headers.get('If-None-Match')
  const isSame = condition !== null && !noneMatches(condition, headers.ETag)
  return isSame ? new Response(null, { status: 304, headers }) : jsonText(text, 200, headers)
}

/** A page of the jobs that the caller may see. A limit above the maximum is reduced to it. @throws Problem 400 */
export async function listed(call: Asked, query: URLSearchParams): Promise<JobPage> {
  requireNoSingleJob(call.caller)
  const asked = parseQuery(ListQuery, query)
  const statuses = asked.status.length === 0 ? JOB_STATUSES : [...new Set(asked.status)].sort()
  const filters = filtersOf(call.caller.projectId, asked, statuses)
  if (filters === null) return { jobs: [], next_cursor: null }
  const size = Math.min(asked.limit ?? STANDARD_LIMIT, MAX_LIMIT)
  if (asked.id !== undefined) {
    const found = await rowsById(call.env, asked.id, filters.projectId, size)
    return { jobs: found.map(rowView), next_cursor: null }
  }
  const bound = JSON.stringify(Object.values(filters))
  const after = asked.cursor === undefined ? null : readCursor(asked.cursor, bound)
  const { rows, end } = await listRows(call.env, filters, after, size)
  return { jobs: rows.map(rowView), next_cursor: end && writeCursor(end, bound) }
}

/**
 * GET /api/admin/jobs: the operators' list, from D1 alone. `tab=attention` lists the jobs that need a person, the
 * longest-standing first; every other tab lists jobs by status, newest first.
 */

import { posterKeyOf } from '../../actors/export-job/core/attempts.ts'
import { iso } from '../../actors/export-job/core/iso.ts'
import { COLUMN_LIST, type JobRow } from '../../actors/export-job/effects/job-columns.ts'
import { pricesOf } from '../../actors/shared/endpoints.ts'
import { OwnedFile } from '../../actors/shared/owned-file.ts'
import { downloadPath } from '../../actors/shared/signing.ts'
import type { TriagedJob, TriagePage, TriageReason } from '../../wire/admin.ts'
import type { JobStatus } from '../../wire/job.ts'
import { requireNoSingleJob } from '../auth/caller.ts'
import { readCursor, writeCursor } from '../d1/cursor.ts'
import { listRows, rowsById } from '../d1/list.ts'
import { filtersOf } from '../d1/list-query.ts'
import { reach } from '../d1/reach.ts'
import { behindSince, triageQuery } from '../d1/triage-query.ts'
import { json, type ScopedCall } from '../http/exchange.ts'
import { parseQuery } from '../http/parse-query.ts'
import { JOB_STATUSES } from '../jobs/schemas.ts'
import { rowView } from '../jobs/view.ts'
import { TriageQuery } from './schemas.ts'

const STANDARD_LIMIT = 50
const MAX_LIMIT = 100

/** Every tab except `attention`, with its statuses. */
const TABS: ReadonlyMap<string, readonly JobStatus[]> = new Map([
  ['running', ['cancelling', 'processing']],
  ['waiting', ['pending', 'queued']],
  ['failed', ['error']],
  ['cancelled', ['cancelled']],
  ['done', ['complete']],
  ['all', JOB_STATUSES],
])

type Found = JobRow & { since?: number }

/** @throws Problem 403 for a token confined to one job */
export async function triageJobs(call: ScopedCall): Promise<Response> {
  requireNoSingleJob(call.caller)
  const asked = parseQuery(TriageQuery, call.url.searchParams)
  const { tab = 'attention', reason = null } = asked
  const filters = filtersOf(call.caller.projectId, asked, TABS.get(tab) ?? JOB_STATUSES)
  if (filters === null) return json({ jobs: [], next_cursor: null } satisfies TriagePage)
  const now = Date.now()
  const limit = Math.min(asked.limit ?? STANDARD_LIMIT, MAX_LIMIT)
  const shown = (row: Found) => triaged(call, row, now)
  if (asked.id !== undefined) {
    const rows = await rowsById(call.env, asked.id, filters.projectId, limit)
    return json({ jobs: rows.map(shown), next_cursor: null } satisfies TriagePage)
  }
  const bound = JSON.stringify([tab, reason, ...Object.values(filters)])
  const after = asked.cursor === undefined ? null : readCursor(asked.cursor, bound)
  if (tab === 'attention') {
    const position = after && { since: after.createdAt, id: after.id }
    const query = triageQuery(COLUMN_LIST, filters, reason, position, limit + 1, now)
    const statement = call.env.DB.prepare(query.sql).bind(...query.values)
    const { results } = await reach(() => statement.all<Found>())
    const jobs = results.slice(0, limit)
    const last = results.length > limit ? jobs.at(-1) : undefined
    const end = last && { createdAt: last.since ?? 0, id: last.id }
    return json({
      jobs: jobs.map(shown),
      next_cursor: end ? writeCursor(end, bound) : null,
    } satisfies TriagePage)
  }
  const { rows, end } = await listRows(call.env, filters, after, limit)
  return json({ jobs: rows.map(shown), next_cursor: end && writeCursor(end, bound) } satisfies TriagePage)
}

function triaged({ settings }: ScopedCall, row: Found, now: number): TriagedJob {
  const price = pricesOf(settings.endpoints)(row.endpoint, null)
  return {
    ...rowView(row),
    attention: attentionOf(row, now),
    last_news_at: iso(row.mirrored_at),
    next_at: row.due_at === null ? null : iso(row.due_at),
    cost: price === null ? null : Math.round(row.gpu_seconds * price * 1e6) / 1e6,
    poster_url: posterOf(row, settings.authSecrets[0], now),
  }
}

function attentionOf(
  { attention, attention_at: at, due_at: due }: JobRow,
  now: number,
): TriagedJob['attention'] {
  if (attention !== null && at !== null) return { reason: attention, since: iso(at) }
  const reason: TriageReason = 'row_behind'
  return due !== null && due < behindSince(now) ? { reason, since: iso(due) } : null
}

/**
 * A complete job's output was seen in R2. The row does not record whether the worker also made a poster, so the URL may
 * lead to none.
 */
function posterOf(row: JobRow, secret: string, now: number): string | null {
  if (row.output_video_key === null || row.archived !== 0) return null
  const { id, project_id: projectId, type, input_video_key: inputVideoKey } = row
  const file = OwnedFile.outputOf({ id, projectId, type, inputVideoKey }, posterKeyOf(row.output_video_key))
  return file && `${downloadPath(secret, file, now)}&inline=1`
}

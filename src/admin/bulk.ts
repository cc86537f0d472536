/**
 * POST /api/admin/jobs/actions: one action on all jobs that match a filter of the list, or on the jobs that are named. A
 * dry run returns their number. Each call then acts on at most `MAX_BULK_JOBS` of them, newest first, and returns how
 * many are left and a cursor to continue from.
 */
import type { Command } from '../../actors/export-job/core/events.ts'
import type { BulkDone } from '../../wire/admin.ts'
import type { JobStatus } from '../../wire/job.ts'
import { requireNoSingleJob } from '../auth/caller.ts'
import { type Position, readCursor, writeCursor } from '../d1/cursor.ts'
import { countRows, idsAmong, listRows } from '../d1/list.ts'
import { filtersOf, type ListFilters } from '../d1/list-query.ts'
import { json, type ScopedCall } from '../http/exchange.ts'
import { parse } from '../http/parse.ts'
import { Problem } from '../http/problem.ts'
import { readJson } from '../http/read-json.ts'
import { requireIntent } from '../http/same-origin.ts'
import { archived, type Deleted, forget, send } from '../jobs/command.ts'
import { JOB_STATUSES } from '../jobs/schemas.ts'
import { ARCHIVED, commandOf } from './actions.ts'
import { BulkAction, MAX_BULK_JOBS } from './schemas.ts'

const MAX_BODY_BYTES = 32 * 1024
/** Page size when reading the list, and the most pages of a call: D1 limits the queries of a request. */
const PAGE = 100
const MAX_PAGES = 100
const AT_ONCE = 20
/** Counting stops here. */
const MAX_COUNTED = 20_000

const ACTIVE: readonly JobStatus[] = ['pending', 'queued', 'processing']

/** The statuses in which each action has an effect: jobs in another status are neither counted nor touched. */
const APPLIES: Record<BulkAction['action'], readonly JobStatus[]> = {
  cancel: ACTIVE,
  force_fail: ACTIVE,
  retry_now: ['pending', 'error', 'cancelled'],
  remirror: JOB_STATUSES,
  delete: ['complete', 'error', 'cancelled'],
}

/**
 * 200 `{action, done, refused, left, cursor}`. With `dry_run` nothing is done, and `left` is the number of jobs.
 *
 * @throws Problem 400, 403, or 503 when the list does not answer
 */
export async function actOnJobs(call: ScopedCall): Promise<Response> {
  requireIntent(call.request, call.url)
  requireNoSingleJob(call.caller)
  const asked = parse(BulkAction, await readJson(call.request, { bytes: MAX_BODY_BYTES }))
  const filters = targetsOf(call, asked)
  const answer = (more: Partial<BulkDone>) => {
    const nothing = { action: asked.action, done: 0, refused: [], left: 0, cursor: null }
    return json({ ...nothing, ...more } satisfies BulkDone)
  }
  if (filters === null) return answer({})
  if (asked.filter.ids) {
    const ids = await idsAmong(call.env, asked.filter.ids, filters)
    return answer(asked.dry_run ? { left: ids.length } : await actOn(call, ids, asked))
  }
  const bound = JSON.stringify([asked.action, ...Object.values(filters)])
  const from = asked.cursor === undefined ? null : readCursor(asked.cursor, bound, '/cursor')
  if (asked.dry_run) {
    const left = await countRows(call.env, filters, from, MAX_COUNTED)
    return answer({ left, cursor: asked.cursor ?? null })
  }
  const { ids, end } = await find(call, filters, from)
  const acted = await actOn(call, ids, asked)
  const left = end ? await countRows(call.env, filters, end, MAX_COUNTED) : 0
  return answer({ ...acted, left, cursor: end && left > 0 ? writeCursor(end, bound) : null })
}

/** Null when no job can match. */
function targetsOf({ caller }: ScopedCall, { action, filter }: BulkAction): ListFilters | null {
  const { status = JOB_STATUSES } = filter
  const statuses = APPLIES[action].filter((each) => status.includes(each)).toSorted()
  return statuses.length === 0 ? null : filtersOf(caller.projectId, filter, statuses)
}

/**
 * The ids of the next jobs, and the position to continue from; `end` is null when there are no more. Where jobs that
 * match are rare, a call may find fewer than it could act on.
 */
async function find(
  { env }: ScopedCall,
  filters: ListFilters,
  from: Position | null,
): Promise<{ ids: string[]; end: Position | null }> {
  const ids: string[] = []
  let end = from
  let pages = 0
  do {
    const page = await listRows(env, filters, end, Math.min(PAGE, MAX_BULK_JOBS - ids.length))
    ids.push(...page.rows.map(({ id }) => id))
    end = page.end
  } while (end && ids.length < MAX_BULK_JOBS && ++pages < MAX_PAGES)
  return { ids, end }
}

/** Sends the command to every job; a refusal by one does not stop the others. */
async function actOn(
  call: ScopedCall,
  ids: readonly string[],
  asked: BulkAction,
): Promise<Pick<BulkDone, 'done' | 'refused'>> {
  const refused: BulkDone['refused'] = []
  const what = commandOf(asked, call.caller.subject)
  const tried = async <T>(ids: readonly string[], act: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await act()
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      refused.push(...ids.map((id) => ({ job_id: id, code: error.code })))
      return
    }
  }
  for (let start = 0; start < ids.length; start += AT_ONCE) {
    const some = ids.slice(start, start + AT_ONCE)
    const outcomes = await Promise.all(some.map((id) => tried([id], () => carryOut(call, id, what))))
    const deleted = outcomes.flatMap((outcome): Deleted[] => (outcome?.deleted ? [outcome.deleted] : []))
    if (deleted.length > 0)
      await tried(
        deleted.map(({ id }) => id),
        () => forget(call, deleted),
      )
  }
  return { done: ids.length - refused.length, refused }
}

/** @throws Problem as `send` does, and 409 for a retired job, unless it was deleted */
async function carryOut(call: ScopedCall, id: string, what: Command): ReturnType<typeof send> {
  const outcome = await send(call, id, what)
  if (outcome.job === null && !outcome.deleted) throw archived(ARCHIVED)
  return outcome
}

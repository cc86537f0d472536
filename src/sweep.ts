/**
 * The sweep, every five minutes by cron: what a lost alarm, a crash between two writes or an abandoned upload leaves
 * behind is found here. It takes the rows that should have changed by now, and lets their actors heal themselves; and
 * it removes uploads that no job ever used. Every run is bounded, and says when it left something for the next.
 */
import { POLICY_BOUNDS } from '../actors/export-job/core/schedule.ts'
import type { Env } from './env.ts'
import { callJob } from './stubs.ts'
import { readCursor, writeCursor } from './sweep-cursor.ts'
import { removeUnusedUploads, type UploadsReport } from './unused-uploads.ts'

/** A row is overdue this long after the instant by which it should have changed. */
const OVERDUE_MS = 5 * 60_000
const AT_ONCE = 20
/** What one run takes at most. */
export const SWEEP_LIMITS = { rows: 1_000, objects: 500 }
const CURSOR = 'overdue-rows'

export interface SweepReport extends UploadsReport {
  /** Actors that looked after themselves: alarm set again, row written again. */
  healed: number
  /** Rows of jobs that were never accepted, or whose actor is gone, and that were closed. */
  closed: number
  /** Actors that could not be reached; tried again by a later run. */
  failed: number
  /** There were more overdue rows than one run takes. */
  left: boolean
}

interface OverdueRow {
  id: string
  status: string
  version: number
  due_at: number
  finished_at: number | null
}

/** One run. `now` in milliseconds. @throws when D1 cannot be read: the next run tries again */
export async function sweep(env: Env, now: number, limits = SWEEP_LIMITS): Promise<SweepReport> {
  const report = { healed: 0, closed: 0, failed: 0 }
  const { rows, left } = await overdueRows(env, now, limits.rows)
  for (let start = 0; start < rows.length; start += AT_ONCE) {
    const outcomes = await Promise.all(
      rows.slice(start, start + AT_ONCE).map((row) => healRow(env, row, now)),
    )
    for (const outcome of outcomes) report[outcome]++
  }
  return { ...report, left, ...(await removeUnusedUploads(env, now, limits.objects)) }
}

/** Oldest first, going on where the last run ended: rows that fail for good must not starve those behind them. */
async function overdueRows(
  env: Env,
  now: number,
  most: number,
): Promise<{ rows: OverdueRow[]; left: boolean }> {
  const after: [number, string] = JSON.parse((await readCursor(env, CURSOR)) ?? '[0, ""]')
  const query = `SELECT id, status, version, due_at, finished_at FROM export_jobs
    WHERE due_at < ?1 AND (due_at, id) > (?2, ?3) ORDER BY due_at, id LIMIT ?4`
  const { results } = await env.DB.prepare(query)
    .bind(now - OVERDUE_MS, ...after, most + 1)
    .all<OverdueRow>()
  const rows = results.slice(0, most)
  const last = rows.at(-1)
  const left = last !== undefined && results.length > most
  if (left || after[1] !== '') {
    await writeCursor(env, CURSOR, left ? JSON.stringify([last.due_at, last.id]) : null)
  }
  return { rows, left }
}

async function healRow(env: Env, row: OverdueRow, now: number): Promise<'healed' | 'closed' | 'failed'> {
  try {
    const { found } = await callJob(env, row.id, (job) => job.heal())
    if (found) return 'healed'
    await closeRow(env, row, now)
    return 'closed'
  } catch {
    // Logged where it happened.
    return 'failed'
  }
}

/**
 * The actor holds no job. A hidden row was all that was left of a deleted one, and a row that has ended belongs to an
 * actor that retired. A row at version 0 is one whose `create` never arrived: it is closed, and stays at version 0 so
 * that a later mirror write still wins. What is closed here has the standard retention.
 */
async function closeRow(env: Env, row: OverdueRow, now: number): Promise<void> {
  const { id, status, version, finished_at } = row
  if (status === 'deleting') {
    await env.DB.prepare("DELETE FROM export_jobs WHERE id = ? AND status = 'deleting'").bind(id).run()
    return
  }
  if (finished_at !== null) {
    await env.DB.prepare('UPDATE export_jobs SET archived = 1, due_at = NULL WHERE id = ? AND version = ?')
      .bind(id, version)
      .run()
    return
  }
  const code = version === 0 ? 'not_accepted' : 'actor_lost'
  const message =
    version === 0
      ? 'The request to create this job was interrupted before it was accepted; send it again.'
      : 'The actor of this job no longer holds it.'
  const error = JSON.stringify({ code, message, retryable: false })
  await env.DB.prepare(
    `UPDATE export_jobs SET status = 'error', error = ?1, error_code = ?2, finished_at = ?3, expires_at = ?4,
       due_at = ?4, mirrored_at = ?3 WHERE id = ?5 AND version = ?6`,
  )
    .bind(error, code, now, now + POLICY_BOUNDS.retentionMs.standard, id, version)
    .run()
}

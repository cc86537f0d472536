/**
 * The sweep, every five minutes by cron, repairs what a lost alarm, a crash between two writes or an abandoned upload
 * leaves behind. It has the actors of overdue rows revive themselves, removes uploads that no job ever used, and
 * removes old rows. Every run is bounded and reports what is left for the next one. A failure of one part does not stop
 * the others.
 */
import { POLICY_BOUNDS } from '../../actors/export-job/core/policy.ts'
import { logFault } from '../../actors/shared/log.ts'
import type { Env } from '../env.ts'
import { callJob } from '../stubs.ts'
import { type AgeReport, ageRows } from './aged-rows.ts'
import { overdueSql } from './overdue.ts'
import { readCursor, writeCursor } from './sweep-cursor.ts'
import { removeUnusedUploads, type UploadsReport } from './unused-uploads.ts'

/** A row is overdue this long after its due instant. */
export const OVERDUE_MS = 5 * 60_000
const AT_ONCE = 20
/** Maximum work of one run. */
export const SWEEP_LIMITS = { rows: 1_000, objects: 500, aged: 1_000 }
const CURSOR = 'overdue-rows'

interface OverdueReport {
  /** Actors that revived themselves: their alarm is set again, their row written again. */
  healed: number
  /** Rows that were closed, since their job was never accepted or its actor is gone. */
  closed: number
  /** Actors that could not be reached; retried by a later run. */
  failed: number
  /** Whether there were more overdue rows than one run handles. */
  left: boolean
}

/** The figures of a part that failed are absent. */
export interface SweepReport extends Partial<OverdueReport & UploadsReport & AgeReport> {
  /** The parts that failed; the next run retries them. */
  broken: Part[]
}

type Part = 'overdue_rows' | 'unused_uploads' | 'aged_rows'

interface OverdueRow {
  id: string
  status: string
  version: number
  due_at: number
  finished_at: number | null
}

/** One run, which never throws. `now` in milliseconds. */
export async function sweep(env: Env, now: number, limits = SWEEP_LIMITS): Promise<SweepReport> {
  const parts: Record<Part, () => Promise<Omit<SweepReport, 'broken'>>> = {
    overdue_rows: () => reviveOverdue(env, now, limits.rows),
    unused_uploads: () => removeUnusedUploads(env, now, limits.objects),
    aged_rows: () => ageRows(env, now, limits.aged),
  }
  const report: SweepReport = { broken: [] }
  for (const part of ['overdue_rows', 'unused_uploads', 'aged_rows'] as const) {
    try {
      Object.assign(report, await parts[part]())
    } catch (error) {
      logFault('sweep', error, { part })
      report.broken.push(part)
    }
  }
  return report
}

async function reviveOverdue(env: Env, now: number, most: number): Promise<OverdueReport> {
  const report = { healed: 0, closed: 0, failed: 0 }
  const { rows, left } = await overdueRows(env, now, most)
  for (let start = 0; start < rows.length; start += AT_ONCE) {
    const outcomes = await Promise.all(
      rows.slice(start, start + AT_ONCE).map((row) => reviveJob(env, row, now)),
    )
    for (const outcome of outcomes) report[outcome]++
  }
  return { ...report, left }
}

/** Oldest first, continuing where the last run ended: rows that always fail must not starve those behind them. */
async function overdueRows(
  env: Env,
  now: number,
  most: number,
): Promise<{ rows: OverdueRow[]; left: boolean }> {
  const after: [number, string] = JSON.parse((await readCursor(env, CURSOR)) ?? '[0, ""]')
  const inOrder = 'ORDER BY due_at, id LIMIT ?4'
  const condition = 'due_at < ?1 AND (due_at, id) > (?2, ?3)'
  const query = `${overdueSql('id, status, version, due_at, finished_at', condition, inOrder)} ${inOrder}`
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

async function reviveJob(env: Env, row: OverdueRow, now: number): Promise<'healed' | 'closed' | 'failed'> {
  try {
    const { found } = await callJob(env, row.id, (job) => job.revive())
    if (found) return 'healed'
    await closeRow(env, row, now)
    return 'closed'
  } catch {
    // Logged where it was caught.
    return 'failed'
  }
}

/**
 * Closes the row of an actor that holds no job. A hidden row is the rest of a deleted job, and an ended row belongs to
 * a retired actor. A row at version 0 belongs to a job whose `create` never arrived: it is closed with the standard
 * retention, and stays at version 0 so that a later mirror write still wins.
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
       due_at = ?4, waiting_since = NULL, mirrored_at = ?3 WHERE id = ?5 AND version = ?6`,
  )
    .bind(error, code, now, now + POLICY_BOUNDS.retentionMs.standard, id, version)
    .run()
}

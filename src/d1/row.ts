/** Reads, hides and removes one row of the list. */
import { COLUMN_LIST, type JobRow } from '../../actors/export-job/effects/job-columns.ts'
import { type Erasure, hideRows } from '../../actors/export-job/effects/job-row.ts'
import type { Env } from '../env.ts'
import { reach } from './reach.ts'

/** The row of a job that is being deleted; no answer contains it. */
export interface HiddenRow {
  status: 'deleting'
  due_at: number | null
}

export function isHidden(row: JobRow | HiddenRow): row is HiddenRow {
  return row.status === 'deleting'
}

export function readAnyRow(env: Env, id: string): Promise<JobRow | HiddenRow | null> {
  const query = `SELECT ${COLUMN_LIST} FROM export_jobs WHERE id = ?`
  return reach(() => env.DB.prepare(query).bind(id).first<JobRow | HiddenRow>())
}

/** Null also for a job that is being deleted. */
export async function readRow(env: Env, id: string): Promise<JobRow | null> {
  const row = await readAnyRow(env, id)
  return row && !isHidden(row) ? row : null
}

/** Hides the rows of jobs whose actors are about to erase them. */
export async function hideErasedRows(env: Env, erasures: readonly Erasure[]): Promise<void> {
  if (erasures.length > 0) await reach(() => hideRows(env.DB, erasures, Date.now()))
}

/** Deletes the rows of jobs that no longer have an actor. */
export async function removeRows(env: Env, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  const remove = 'DELETE FROM export_jobs WHERE id IN (SELECT value FROM json_each(?))'
  await reach(() => env.DB.prepare(remove).bind(JSON.stringify(ids)).run())
}

/** Reads, hides and removes one row of the list. */
import { COLUMN_LIST, type JobRow } from '../../actors/export-job/effects/job-columns.ts'
import { type Erasure, hideRow } from '../../actors/export-job/effects/job-row.ts'
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

/** Hides the row of a job whose actor is about to erase it. */
export async function hideErasedRow(env: Env, erasure: Erasure): Promise<void> {
  await reach(() => hideRow(env.DB, erasure, Date.now()))
}

/** Deletes the row of a job that no longer has an actor. */
export async function removeRow(env: Env, id: string): Promise<void> {
  await reach(() => env.DB.prepare('DELETE FROM export_jobs WHERE id = ?').bind(id).run())
}

/** The job's row in D1: written by its actor only, and never backwards. */
import type { Job } from './export-job/core/job.ts'
import { changedColumns, type MirrorRow } from './export-job/core/mirror-row.ts'

/**
 * Updates the row to `row`, naming only the columns that differ from `last` (what this actor wrote before, if it
 * knows): D1 bills every index whose column is named. A missing row is written whole, so that a list that lost its
 * birth row converges. A row that is already newer is left alone; the same version may be
 * written again, since housekeeping (`due_at`) moves without a new version.
 *
 * @param signal aborted when the caller has stopped waiting: nothing more is begun
 */
export async function writeMirror(
  db: D1Database,
  job: Job,
  row: MirrorRow,
  last: MirrorRow | null,
  now: number,
  signal: AbortSignal,
): Promise<void> {
  const columns = changedColumns(row, last)
  const names = [...columns.map(([name]) => name), 'mirrored_at']
  const updated = await db
    .prepare(
      `UPDATE export_jobs SET ${names.map((name) => `${name} = ?`).join(', ')} WHERE id = ? AND version <= ?`,
    )
    .bind(...columns.map(([, value]) => value), now, job.request.id, row.version)
    .run()
  if (updated.meta.changes > 0) return
  signal.throwIfAborted()
  await insertIfMissing(db, job, row, now)
}

/** Does nothing when a row, of whatever version, is there. */
async function insertIfMissing(db: D1Database, job: Job, row: MirrorRow, now: number): Promise<void> {
  const { request } = job
  const whole: Record<string, string | number | null> = {
    id: request.id,
    project_id: request.projectId,
    type: request.type,
    input_video_key: request.inputVideoKey,
    params: JSON.stringify(request.params),
    metadata: JSON.stringify(request.metadata),
    tags: JSON.stringify(request.tags),
    max_attempts: request.policy.maxAttempts,
    request_hash: request.requestHash,
    created_at: request.createdAt,
    mirrored_at: now,
    ...row,
  }
  const names = Object.keys(whole)
  const marks = names.map(() => '?').join(', ')
  await db
    .prepare(`INSERT INTO export_jobs (${names.join(', ')}) VALUES (${marks}) ON CONFLICT (id) DO NOTHING`)
    .bind(...Object.values(whole))
    .run()
}

/** Retention: the row stays and answers for the job; its videos are gone. */
export async function archiveRow(db: D1Database, job: Job, now: number): Promise<void> {
  await forgetAssets(db, job)
  await db
    .prepare(
      'UPDATE export_jobs SET archived = 1, due_at = NULL, mirrored_at = ? WHERE id = ? AND archived = 0',
    )
    .bind(now, job.request.id)
    .run()
}

/** The row of a deleted job goes, and with it the word that its assets are in use. */
export async function eraseRow(db: D1Database, job: Job): Promise<void> {
  await forgetAssets(db, job)
  await deleteRow(db, job.request.id)
}

async function forgetAssets(db: D1Database, { request }: Job): Promise<void> {
  const forget = db.prepare('DELETE FROM export_job_assets WHERE asset_key = ? AND job_id = ?')
  const statements = request.assets.map((key) => forget.bind(key, request.id))
  if (statements.length > 0) await db.batch(statements)
}

export async function deleteRow(db: D1Database, jobId: string): Promise<void> {
  await db.prepare('DELETE FROM export_jobs WHERE id = ?').bind(jobId).run()
}

/** Is this input still named by another job that is not retired? */
export async function inputIsShared(db: D1Database, key: string, jobId: string): Promise<boolean> {
  const other = await db
    .prepare(
      `SELECT 1 FROM export_jobs WHERE input_video_key = ?1 AND id <> ?2 AND archived = 0
       UNION ALL SELECT 1 FROM export_job_assets WHERE asset_key = ?1 AND job_id <> ?2 LIMIT 1`,
    )
    .bind(key, jobId)
    .first()
  return other !== null
}

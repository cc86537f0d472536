/** The job's row in D1: written by its actor only, but for its birth and its hiding, and never backwards. */
import type { Job } from './export-job/core/job.ts'
import { changedColumns, type MirrorRow } from './export-job/core/mirror-row.ts'

type Columns = Record<string, string | number | null>

/** A row that still uses its input and its assets. */
export const USES_FILES = "archived = 0 AND status <> 'deleting'"

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
  const changes = { ...Object.fromEntries(changedColumns(row, last)), mirrored_at: now }
  if (await updateRow(db, changes, 'id = ? AND version <= ?', [job.request.id, row.version])) return
  signal.throwIfAborted()
  await insertIfMissing(db, { ...wholeRow(job, row), mirrored_at: now })
}

/**
 * Retention: the row stays and answers for the job, whose videos are gone; a missing row is written whole. It stays due
 * until the actor has emptied itself, so that the sweep finds an actor whose alarm was lost on the way.
 */
export async function archiveRow(
  db: D1Database,
  job: Job,
  row: MirrorRow | null,
  now: number,
): Promise<void> {
  await forgetAssets(db, job)
  const changes = { archived: 1, due_at: now, mirrored_at: now }
  if (await updateRow(db, changes, 'id = ?', [job.request.id])) return
  if (row) await insertIfMissing(db, { ...wholeRow(job, row), ...changes })
}

/** What is known of a job whose files are being erased. Instants are milliseconds. */
export interface Erasure {
  readonly id: string
  /** With the id it names one life of a job: another may be created under the same key later. */
  readonly createdAt: number
  readonly version: number
  /** By then the last erase is due. */
  readonly until: number
}

/**
 * Empties the row of a job that is being deleted and hides it from every list. It stays, with `due_at`, until the last
 * erase: the sweep finds an actor whose alarm was lost by nothing else. False when there is no such row.
 */
export function hideRow(db: D1Database, erasure: Erasure, now: number): Promise<boolean> {
  const { id, createdAt, version } = erasure
  const condition = 'id = ? AND created_at = ? AND version <= ?'
  return updateRow(db, hiddenColumns(erasure, now), condition, [id, createdAt, version])
}

/** The same by the actor itself, which writes a missing row and takes back what it said of its assets. */
export async function eraseRow(db: D1Database, job: Job, erasure: Erasure, now: number): Promise<void> {
  await forgetAssets(db, job)
  if (await hideRow(db, erasure, now)) return
  await insertIfMissing(db, { ...birthColumns(job), ...hiddenColumns(erasure, now) })
}

function hiddenColumns({ version, until }: Erasure, now: number): Columns {
  return {
    status: 'deleting',
    version,
    progress: 0,
    stage: null,
    input_video_key: '',
    output_video_key: null,
    params: '{}',
    metadata: '{}',
    tags: '[]',
    error: null,
    error_code: null,
    runpod_job_id: null,
    finished_at: null,
    expires_at: null,
    due_at: until,
    mirrored_at: now,
  }
}

/** The actor of this job has emptied itself: a hidden row goes, an archived one is not due any more. */
export async function settleRow(db: D1Database, jobId: string): Promise<void> {
  await db.batch([
    db.prepare("DELETE FROM export_jobs WHERE id = ? AND status = 'deleting'").bind(jobId),
    db.prepare('UPDATE export_jobs SET due_at = NULL WHERE id = ? AND archived = 1').bind(jobId),
  ])
}

/** Whether a row was there that meets the condition. */
async function updateRow(
  db: D1Database,
  changes: Columns,
  condition: string,
  values: readonly (string | number)[],
): Promise<boolean> {
  const names = Object.keys(changes)
  const { meta } = await db
    .prepare(`UPDATE export_jobs SET ${names.map((name) => `${name} = ?`).join(', ')} WHERE ${condition}`)
    .bind(...Object.values(changes), ...values)
    .run()
  return meta.changes > 0
}

/** Does nothing when a row, of whatever version, is there. */
async function insertIfMissing(db: D1Database, row: Columns): Promise<void> {
  const names = Object.keys(row)
  const marks = names.map(() => '?').join(', ')
  await db
    .prepare(`INSERT INTO export_jobs (${names.join(', ')}) VALUES (${marks}) ON CONFLICT (id) DO NOTHING`)
    .bind(...Object.values(row))
    .run()
}

function wholeRow(job: Job, row: MirrorRow): Columns {
  return { ...birthColumns(job), ...row }
}

/** What never changes. */
function birthColumns({ request }: Job): Columns {
  return {
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
  }
}

async function forgetAssets(db: D1Database, { request }: Job): Promise<void> {
  const forget = db.prepare('DELETE FROM export_job_assets WHERE asset_key = ? AND job_id = ?')
  const statements = request.assets.map((key) => forget.bind(key, request.id))
  if (statements.length > 0) await db.batch(statements)
}

/**
 * Whether another job needs this input. That the list names none is no evidence for an input that is older than the
 * list's epoch: rows of that time may have been lost.
 *
 * @param uploadedAt of the object, in milliseconds
 */
export async function useOfInput(
  db: D1Database,
  key: string,
  jobId: string,
  uploadedAt: number,
): Promise<'used' | 'unused' | 'unknown'> {
  const known = await db
    .prepare(
      `SELECT (SELECT created_at FROM export_jobs WHERE id = 'sweep') AS epoch,
         EXISTS (SELECT 1 FROM export_jobs WHERE input_video_key = ?1 AND id <> ?2 AND ${USES_FILES})
         OR EXISTS (SELECT 1 FROM export_job_assets WHERE asset_key = ?1 AND job_id <> ?2) AS used`,
    )
    .bind(key, jobId)
    .first<{ epoch: number | null; used: number }>()
  if (known?.used) return 'used'
  return known && known.epoch !== null && known.epoch <= uploadedAt ? 'unused' : 'unknown'
}

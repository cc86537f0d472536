/**
 * The job's row in D1: written only by its actor, except for its creation and hiding, and never with an older version.
 */
import type { Counted, Job } from '../core/job.ts'
import { BORN, changedColumns, countedOf, type MirrorRow, NOTHING_COUNTED } from '../core/shown/mirror-row.ts'
import { bornRow, ERASED } from './job-columns.ts'

type Columns = Record<string, string | number | null>

/** Rows that still use their input and their assets. */
export const USES_FILES = "archived = 0 AND status <> 'deleting'"

/**
 * Updates the row to `row`, naming only the columns that differ from `last` (this actor's previous write, if known),
 * and the first time from the row at birth, because D1 bills every index whose column is named. A missing row is
 * inserted whole, so that a list without it converges: first with the columns already counted, then with the current
 * ones, so that the counters grow by the difference. A newer row is not changed; the same version may be written again,
 * since housekeeping (`due_at`) changes without a new version.
 *
 * @param signal aborted when the caller has stopped waiting: no further statement is started
 */
export async function writeMirror(
  db: D1Database,
  job: Job,
  row: MirrorRow,
  last: MirrorRow | null,
  now: number,
  signal: AbortSignal,
): Promise<void> {
  const { id, createdAt } = job.request
  const changesSince = (known: MirrorRow | null) => ({
    ...Object.fromEntries(changedColumns(row, known)),
    mirrored_at: now,
  })
  const isFirst = last === null && job.outbox.counted === undefined
  if (isFirst && (await updateRow(db, changesSince({ ...BORN, due_at: createdAt }), AS_BORN, [id]))) return
  signal.throwIfAborted()
  if (await updateRow(db, changesSince(last), 'id = ? AND version <= ?', [id, row.version])) return
  signal.throwIfAborted()
  await db.batch([
    insertion(db, { ...bornRow(job.request), ...row, ...countedBefore(job), mirrored_at: now }),
    update(db, { ...countedOf(row) }, 'id = ? AND version <= ?', [id, row.version]),
  ])
}

/** Neither its actor nor the cron sweep has written to it. */
const AS_BORN = 'id = ? AND version = 0 AND finished_at IS NULL'

/** The columns last counted in D1; unknown for a row written by an earlier version. */
function countedBefore({ outbox }: Job): Counted | null {
  return outbox.counted ?? (outbox.mirroredAt === null ? NOTHING_COUNTED : null)
}

/**
 * Retention: the row stays and represents the job, whose videos are removed; a missing row is inserted whole. It stays
 * due until the actor has erased its storage, so that the cron sweep finds an actor whose alarm was lost.
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
  if (row) await insertIfMissing(db, { ...bornRow(job.request), ...row, ...changes })
}

/** A job whose files are being erased. Instants are milliseconds. */
export interface Erasure {
  readonly id: string
  /** Distinguishes jobs with the same id, since an idempotency key may be reused after a deletion. */
  readonly createdAt: number
  readonly version: number
  /** When the last erase is due. */
  readonly until: number
}

/**
 * Clears the rows of jobs that are being deleted and hides them from every list, by one statement: D1 accepts 1,000 in
 * one invocation. They stay, with `due_at`, until the last erase, because only the row lets the cron sweep find an actor
 * whose alarm was lost. Returns the number of rows found.
 */
export async function hideRows(db: D1Database, erasures: readonly Erasure[], now: number): Promise<number> {
  const columns = hiddenColumns(now)
  const erased = `SELECT value ->> 'id' AS job, value ->> 'createdAt' AS born, value ->> 'version' AS latest,
    value ->> 'until' AS until FROM json_each(?)`
  const { meta } = await db
    .prepare(
      `UPDATE export_jobs SET ${settersOf(columns)}, version = latest, due_at = until FROM (${erased})
       WHERE id = job AND created_at = born AND version <= latest`,
    )
    .bind(...Object.values(columns), JSON.stringify(erasures))
    .run()
  return meta.changes
}

/** `hideRows` for the actor itself, which also inserts a missing row and removes the records of its assets. */
export async function eraseRow(db: D1Database, job: Job, erasure: Erasure, now: number): Promise<void> {
  await forgetAssets(db, job)
  if ((await hideRows(db, [erasure], now)) > 0) return
  const { version, until } = erasure
  await insertIfMissing(db, { ...bornRow(job.request), ...hiddenColumns(now), version, due_at: until })
}

function hiddenColumns(now: number): Columns {
  return { status: 'deleting', outcome: 'deleting', ...ERASED, mirrored_at: now }
}

/** After the actor has erased its storage: deletes a hidden row; an archived one is no longer due. */
export async function settleRow(db: D1Database, jobId: string): Promise<void> {
  await db.batch([
    db.prepare("DELETE FROM export_jobs WHERE id = ? AND status = 'deleting'").bind(jobId),
    db.prepare('UPDATE export_jobs SET due_at = NULL WHERE id = ? AND archived = 1').bind(jobId),
  ])
}

/** Whether a row met the condition. */
async function updateRow(
  db: D1Database,
  changes: Columns,
  condition: string,
  values: readonly (string | number)[],
): Promise<boolean> {
  const { meta } = await update(db, changes, condition, values).run()
  return meta.changes > 0
}

function update(
  db: D1Database,
  changes: Columns,
  condition: string,
  values: readonly (string | number)[],
): D1PreparedStatement {
  return db
    .prepare(`UPDATE export_jobs SET ${settersOf(changes)} WHERE ${condition}`)
    .bind(...Object.values(changes), ...values)
}

function settersOf(columns: Columns): string {
  return Object.keys(columns)
    .map((name) => `${name} = ?`)
    .join(', ')
}

async function insertIfMissing(db: D1Database, row: Columns): Promise<void> {
  await insertion(db, row).run()
}

/** Has no effect if a row exists, whatever its version. */
function insertion(db: D1Database, row: Columns): D1PreparedStatement {
  const names = Object.keys(row)
  const marks = names.map(() => '?').join(', ')
  return db
    .prepare(`INSERT INTO export_jobs (${names.join(', ')}) VALUES (${marks}) ON CONFLICT (id) DO NOTHING`)
    .bind(...Object.values(row))
}

async function forgetAssets(db: D1Database, { request }: Job): Promise<void> {
  const forget = db.prepare('DELETE FROM export_job_assets WHERE asset_key = ? AND job_id = ?')
  const statements = request.assets.map((key) => forget.bind(key, request.id))
  if (statements.length > 0) await db.batch(statements)
}

/**
 * Whether another job uses this input. A list without such a job proves nothing for an input older than the list's
 * epoch, because older rows may have been lost.
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

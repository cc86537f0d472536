/** The list in D1, as the Worker uses it. D1 out of reach is a 503, never a 500: the client may try again. */
import type { JobRequest, JobStatus } from '../actors/export-job/core/job.ts'
import type { MirrorRow } from '../actors/export-job/core/mirror-row.ts'
import { logFault } from '../actors/log.ts'
import { type Erasure, hideRow } from '../actors/mirror.ts'
import type { Position } from './cursor.ts'
import type { Env } from './env.ts'
import { endOfWalkQuery, idQuery, isTested, type ListFilters, pageQuery, type Query } from './list-query.ts'
import { unavailable } from './problem.ts'

/** A row as D1 answers it. Instants are milliseconds, JSON is text. */
export interface JobRow {
  id: string
  project_id: number
  type: string
  status: JobStatus
  progress: number
  stage: string | null
  input_video_key: string
  output_video_key: string | null
  params: string
  metadata: string
  tags: string
  error: string | null
  error_code: string | null
  runpod_job_id: string | null
  attempt: number
  max_attempts: number
  round: number
  request_hash: string
  version: number
  created_at: number
  started_at: number | null
  finished_at: number | null
  expires_at: number | null
  due_at: number | null
  gpu_seconds: number
  wasted_seconds: number
  archived: number
}

const COLUMNS = `id, project_id, type, status, progress, stage, input_video_key, output_video_key, params, metadata,
  tags, error, error_code, runpod_job_id, attempt, max_attempts, round, request_hash, version, created_at, started_at,
  finished_at, expires_at, due_at, gpu_seconds, wasted_seconds, archived`

/**
 * SQL that holds while a project has fewer unfinished jobs than `most`, NULL being any number. Part of the very
 * statement that makes one more, so that two requests at once cannot both take the last place.
 */
export function hasRoom(project: string, most: string): string {
  return `(${most} IS NULL OR ${most} > (SELECT COUNT(*) FROM (SELECT 1 FROM export_jobs AS other
    WHERE other.project_id = ${project} AND other.status IN ('pending', 'queued', 'processing', 'cancelling')
    LIMIT ${most})))`
}

const INSERT = `INSERT INTO export_jobs (id, project_id, type, status, input_video_key, params, metadata, tags,
  max_attempts, request_hash, created_at, due_at, mirrored_at)
  SELECT ?1, ?2, ?3, 'pending', ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?10
  WHERE ${hasRoom('?2', '?11')}
  ON CONFLICT (id) DO NOTHING`

/** Only for a row of this very request: another body under its idempotency key is refused, and uses nothing. */
const INSERT_ASSET = `INSERT OR IGNORE INTO export_job_assets (asset_key, job_id)
  SELECT ?1, id FROM export_jobs WHERE id = ?2 AND request_hash = ?3 AND archived = 0`

export type Birth =
  | { kind: 'new' }
  | { kind: 'repeated'; row: JobRow }
  | { kind: 'no_room' }
  /** An earlier job of this id is being erased, until `dueAt` (ms). */
  | { kind: 'deleting'; dueAt: number | null }

/**
 * The row of a job that is about to be created, so that the list shows it as soon as it is accepted.
 *
 * @param mostActive unfinished jobs that the project may have, this one included; null for any number
 */
export async function insertBirthRow(env: Env, job: JobRequest, mostActive: number | null): Promise<Birth> {
  const insert = env.DB.prepare(INSERT).bind(
    job.id,
    job.projectId,
    job.type,
    job.inputVideoKey,
    JSON.stringify(job.params),
    JSON.stringify(job.metadata),
    JSON.stringify(job.tags),
    job.policy.maxAttempts,
    job.requestHash,
    job.createdAt,
    mostActive,
  )
  const assets = job.assets.map((key) => env.DB.prepare(INSERT_ASSET).bind(key, job.id, job.requestHash))
  const [inserted] = await reach(() => env.DB.batch([insert, ...assets]))
  if (inserted && inserted.meta.changes > 0) return { kind: 'new' }
  const row = await readAnyRow(env, job.id)
  if (row && isHidden(row)) return { kind: 'deleting', dueAt: row.due_at }
  if (row) return { kind: 'repeated', row }
  return mostActive === null ? { kind: 'new' } : { kind: 'no_room' }
}

/** The row of a job that is being deleted: for nobody to see. */
interface HiddenRow {
  status: 'deleting'
  due_at: number | null
}

function isHidden(row: JobRow | HiddenRow): row is HiddenRow {
  return row.status === 'deleting'
}

function readAnyRow(env: Env, id: string): Promise<JobRow | HiddenRow | null> {
  const query = `SELECT ${COLUMNS} FROM export_jobs WHERE id = ?`
  return reach(() => env.DB.prepare(query).bind(id).first<JobRow | HiddenRow>())
}

/** Null also for a job that is being deleted. */
export async function readRow(env: Env, id: string): Promise<JobRow | null> {
  const row = await readAnyRow(env, id)
  return row && !isHidden(row) ? row : null
}

/** The row of a job whose actor is about to erase it. */
export async function hideErasedRow(env: Env, erasure: Erasure): Promise<void> {
  await reach(() => hideRow(env.DB, erasure, Date.now()))
}

/** The row of a job that has no actor any more. */
export async function removeRow(env: Env, id: string): Promise<void> {
  await reach(() => env.DB.prepare('DELETE FROM export_jobs WHERE id = ?').bind(id).run())
}

/** Takes back a birth row whose job was not accepted; leaves it when an actor has written to it since. */
export async function removeBirthRow(env: Env, { id, assets }: JobRequest): Promise<void> {
  const row = env.DB.prepare('DELETE FROM export_jobs WHERE id = ? AND version = 0').bind(id)
  const forget = assets.map((key) =>
    env.DB.prepare(
      `DELETE FROM export_job_assets WHERE asset_key = ?1 AND job_id = ?2
         AND NOT EXISTS (SELECT 1 FROM export_jobs WHERE id = ?2)`,
    ).bind(key, id),
  )
  await reach(() => env.DB.batch([row, ...forget]))
}

export interface RowPage {
  rows: JobRow[]
  /** Where the next page begins; null when there is none. */
  end: Position | null
}

/**
 * Newest first, at most `limit`, from below `after` on. Of a rare type, tag or error code a page may be short and not
 * the last.
 */
export async function listRows(
  env: Env,
  filters: ListFilters,
  after: Position | null,
  limit: number,
): Promise<RowPage> {
  const found = await allOf<JobRow>(env, pageQuery(COLUMNS, filters, after, limit + 1))
  const rows = found.slice(0, limit)
  const last = rows.at(-1)
  if (last && found.length > limit) return { rows, end: { createdAt: last.created_at, id: last.id } }
  if (!isTested(filters)) return { rows, end: null }
  const [end] = await allOf<{ created_at: number; id: string }>(env, endOfWalkQuery(filters, after))
  return { rows, end: end ? { createdAt: end.created_at, id: end.id } : null }
}

/** The newest jobs whose ids begin like this, at most `limit`. */
export function rowsById(
  env: Env,
  prefix: string,
  projectId: number | null,
  limit: number,
): Promise<JobRow[]> {
  return allOf<JobRow>(env, idQuery(COLUMNS, prefix, projectId, limit))
}

/** Everything that D1 says of one job. */
export type WholeRow = JobRow & MirrorRow & { mirrored_at: number }

export function readWholeRow(env: Env, id: string): Promise<WholeRow | null> {
  const query = "SELECT * FROM export_jobs WHERE id = ? AND status <> 'deleting'"
  return reach(() => env.DB.prepare(query).bind(id).first<WholeRow>())
}

async function allOf<T>(env: Env, { sql, values }: Query): Promise<T[]> {
  const statement = env.DB.prepare(sql).bind(...values)
  return (await reach(() => statement.all<T>())).results
}

/** @throws Problem 503 when D1 does not answer */
export async function reach<T>(query: () => Promise<T>): Promise<T> {
  try {
    return await query()
  } catch (error) {
    logFault('d1', error)
    throw unavailable('list_unavailable', 'The list of jobs could not be reached; try again shortly.')
  }
}

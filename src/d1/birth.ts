/** Inserts the row of a job that is about to be created, and removes it when the job was not accepted. */
import type { JobRequest } from '../../actors/export-job/core/job.ts'
import { bornRow, type JobRow } from '../../actors/export-job/effects/job-columns.ts'
import type { Env } from '../env.ts'
import { hasRoom } from './places.ts'
import { reach } from './reach.ts'
import { isHidden, readAnyRow } from './row.ts'

/**
 * Inserts only for a row of this very request: another body under the same idempotency key is refused, and uses no
 * asset.
 */
const INSERT_ASSET = `INSERT OR IGNORE INTO export_job_assets (asset_key, job_id)
  SELECT ?1, id FROM export_jobs WHERE id = ?2 AND request_hash = ?3 AND archived = 0`

export type Birth =
  | { kind: 'new' }
  | { kind: 'repeated'; row: JobRow }
  | { kind: 'no_room' }
  /** An earlier job with this id is being erased, until `dueAt` (ms). */
  | { kind: 'deleting'; dueAt: number | null }

/**
 * Inserts the row of a job that is about to be created, so that the list contains it as soon as it is accepted. The row
 * of an earlier, interrupted request that the sweep has closed is replaced: there never was a job of it.
 *
 * @param mostActive maximum number of the project's unfinished jobs, this one included; null for no limit
 */
export async function insertBirthRow(env: Env, job: JobRequest, mostActive: number | null): Promise<Birth> {
  if (await insertRow(env, job, mostActive)) return { kind: 'new' }
  const there = await readAnyRow(env, job.id)
  if (there && isHidden(there)) return { kind: 'deleting', dueAt: there.due_at }
  if (there && isUnaccepted(there, job)) {
    const closed = env.DB.prepare(
      `DELETE FROM export_jobs WHERE id = ?1 AND version = 0 AND finished_at IS NOT NULL AND ${hasRoom('?2', '?3')}`,
    ).bind(job.id, job.projectId, mostActive)
    if (await insertRow(env, job, mostActive, [closed])) return { kind: 'new' }
    const since = await readAnyRow(env, job.id)
    const replaced = since && !isHidden(since) && !isUnaccepted(since, job)
    return replaced ? { kind: 'repeated', row: since } : { kind: 'no_room' }
  }
  if (there) return { kind: 'repeated', row: there }
  return mostActive === null ? { kind: 'new' } : { kind: 'no_room' }
}

/** Whether the sweep has closed this row of the same request, whose job no actor ever held. */
function isUnaccepted(row: JobRow, job: JobRequest): boolean {
  return row.version === 0 && row.finished_at !== null && row.request_hash === job.requestHash
}

/** False when there is a row already, or no room for one. @param before run in the same transaction */
async function insertRow(
  env: Env,
  job: JobRequest,
  mostActive: number | null,
  before: readonly D1PreparedStatement[] = [],
): Promise<boolean> {
  const row = { ...bornRow(job), status: 'pending', due_at: job.createdAt, mirrored_at: job.createdAt }
  const names = Object.keys(row)
  const marks = names.map((_, index) => `?${index + 3}`)
  const insert = env.DB.prepare(
    `INSERT INTO export_jobs (${names.join(', ')}) SELECT ${marks.join(', ')} WHERE ${hasRoom('?1', '?2')}
       ON CONFLICT (id) DO NOTHING`,
  ).bind(job.projectId, mostActive, ...Object.values(row))
  const assets = job.assets.map((key) => env.DB.prepare(INSERT_ASSET).bind(key, job.id, job.requestHash))
  const done = await reach(() => env.DB.batch([...before, insert, ...assets]))
  return (done[before.length]?.meta.changes ?? 0) > 0
}

/** Removes a birth row whose job was not accepted, unless an actor has written to it since. */
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

/**
 * Removes old data from the list: the row of a retired job keeps its params and metadata for a month, and is deleted
 * after `ROW_RETENTION_DAYS`, since a database is limited in size (10 GB;
 * developers.cloudflare.com/d1/platform/limits).
 */
import { type Env, rowRetentionDays } from '../env.ts'
import { readCursor, writeCursor } from './sweep-cursor.ts'

const DAY = 24 * 60 * 60_000
/** How long after its end a retired job keeps its params and metadata. */
export const TEXTS_KEPT_MS = 30 * DAY
const CURSOR = 'aged-rows'

/** Retired, with an empty actor: nothing writes the row any more. */
const SETTLED = 'archived = 1 AND due_at IS NULL'

/** A position in the order of ends. */
type Place = readonly [finishedAt: number, id: string]

export interface AgeReport {
  /** Rows whose params and metadata were removed. */
  trimmed: number
  /** Rows that were deleted. */
  dropped: number
}

/** Deletes at most `most` of the oldest rows, and trims among the next `most` of the younger ones. */
export async function ageRows(env: Env, now: number, most: number): Promise<AgeReport> {
  const oldest = now - rowRetentionDays(env) * DAY
  return {
    dropped: await drop(env, oldest, most),
    trimmed: await trim(env, oldest, now - TEXTS_KEPT_MS, most),
  }
}

async function drop(env: Env, before: number, most: number): Promise<number> {
  const { meta } = await env.DB.prepare(
    `DELETE FROM export_jobs WHERE id IN (
       SELECT id FROM export_jobs WHERE finished_at < ?1 AND ${SETTLED} ORDER BY finished_at LIMIT ?2)`,
  )
    .bind(before, most)
    .run()
  // Counts rows of export_jobs alone: `changes` excludes those of indices.
  return meta.changes
}

/**
 * Walks cyclically: a job that is kept longer than others retires behind the walk's position, and is reached in the
 * next cycle.
 */
async function trim(env: Env, oldest: number, before: number, most: number): Promise<number> {
  const last: Place = JSON.parse((await readCursor(env, CURSOR)) ?? '[0, ""]')
  // Rows older than this are deleted, so trimming them would be a needless write.
  const after: Place = last[0] < oldest ? [oldest, ''] : last
  const page = await env.DB.prepare(
    `SELECT finished_at, id FROM export_jobs WHERE finished_at < ?1 AND (finished_at, id) > (?2, ?3)
     ORDER BY finished_at, id LIMIT ?4`,
  )
    .bind(before, ...after, most)
    .all<{ finished_at: number; id: string }>()
  const end = page.results.at(-1)
  const isWhole = end === undefined || page.results.length < most
  const trimmed = end ? await trimUpTo(env, after, [end.finished_at, end.id]) : 0
  if (!isWhole || last[1] !== '') {
    await writeCursor(env, CURSOR, isWhole ? null : JSON.stringify([end.finished_at, end.id]))
  }
  return trimmed
}

async function trimUpTo(env: Env, after: Place, last: Place): Promise<number> {
  const { meta } = await env.DB.prepare(
    `UPDATE export_jobs SET params = '{}', metadata = '{}'
     WHERE (finished_at, id) > (?1, ?2) AND (finished_at, id) <= (?3, ?4) AND ${SETTLED}
       AND (params <> '{}' OR metadata <> '{}')`,
  )
    .bind(...after, ...last)
    .run()
  return meta.changes
}

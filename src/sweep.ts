/**
 * The sweep, every five minutes by cron: what a lost alarm, a crash between two writes or an abandoned upload leaves
 * behind is found here. It takes the rows that should have changed by now, and lets their actors heal themselves; and
 * it removes uploads that no job ever used. Every run is bounded, and says when it left something for the next.
 */
import type { Env } from './env.ts'
import { callJob } from './stubs.ts'

/** A row is overdue this long after the instant by which it should have changed. */
const OVERDUE_MS = 5 * 60_000
const AT_ONCE = 20
/** An upload that no job names is kept this long. */
const UNUSED_UPLOAD_MS = 7 * 24 * 60 * 60_000
/** What one run takes at most. */
export const SWEEP_LIMITS = { rows: 1_000, objects: 500 }
/** D1 takes at most 100 bound parameters in a statement. */
const KEYS_A_QUERY = 45

export interface SweepReport {
  /** Actors that looked after themselves: alarm set again, row written again. */
  healed: number
  /** Rows of jobs that were never accepted, or whose actor is gone, and that were closed. */
  closed: number
  /** Actors that could not be reached; tried again by the next run. */
  failed: number
  /** There were more overdue rows than one run takes. */
  left: boolean
  /** Unused uploads that were removed. */
  removed: number
}

interface OverdueRow {
  id: string
  version: number
  finished_at: number | null
}

/** One run. `now` in milliseconds. @throws when D1 cannot be read: the next run tries again */
export async function sweep(env: Env, now: number, limits = SWEEP_LIMITS): Promise<SweepReport> {
  const report: SweepReport = { healed: 0, closed: 0, failed: 0, left: false, removed: 0 }
  const rows = await overdueRows(env, now, limits.rows + 1)
  report.left = rows.length > limits.rows
  const taken = rows.slice(0, limits.rows)
  for (let start = 0; start < taken.length; start += AT_ONCE) {
    const outcomes = await Promise.all(
      taken.slice(start, start + AT_ONCE).map((row) => healRow(env, row, now)),
    )
    for (const outcome of outcomes) report[outcome]++
  }
  report.removed = await removeUnusedUploads(env, now, limits.objects)
  return report
}

/** Oldest first. */
async function overdueRows(env: Env, now: number, most: number): Promise<OverdueRow[]> {
  const query = `SELECT id, version, finished_at FROM export_jobs
    WHERE due_at < ?1 AND archived = 0 ORDER BY due_at LIMIT ?2`
  return (
    await env.DB.prepare(query)
      .bind(now - OVERDUE_MS, most)
      .all<OverdueRow>()
  ).results
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
 * The actor holds no job. A row at version 0 is one whose `create` never arrived: it is closed, and stays at version
 * 0 so that a later mirror write still wins. Any other ended row belongs to an actor that retired.
 */
async function closeRow(env: Env, { id, version, finished_at }: OverdueRow, now: number): Promise<void> {
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
    `UPDATE export_jobs SET status = 'error', error = ?, error_code = ?, finished_at = ?, due_at = NULL, mirrored_at = ?
     WHERE id = ? AND version = ?`,
  )
    .bind(error, code, now, now, id, version)
    .run()
}

/** Goes over the uploads bit by bit, from run to run, and removes old ones that no job names. */
async function removeUnusedUploads(env: Env, now: number, most: number): Promise<number> {
  const cursor = await readCursor(env)
  const page = await env.VIDEOS.list({ prefix: 'input/', limit: most, ...(cursor && { cursor }) })
  const old = page.objects
    .filter((object) => now - object.uploaded.getTime() > UNUSED_UPLOAD_MS)
    .map((object) => object.key)
  let removed = 0
  for (let start = 0; start < old.length; start += KEYS_A_QUERY) {
    const keys = old.slice(start, start + KEYS_A_QUERY)
    const used = await usedKeys(env, keys)
    const unused = keys.filter((key) => !used.has(key))
    if (unused.length > 0) {
      await env.VIDEOS.delete(unused)
      await forgetAssets(env, unused)
    }
    removed += unused.length
  }
  const next = page.truncated ? page.cursor : null
  if (next !== cursor) await writeCursor(env, next)
  return removed
}

/** The keys that a job names which still has its videos. */
async function usedKeys(env: Env, keys: readonly string[]): Promise<Set<string>> {
  const marks = keys.map(() => '?').join(', ')
  const query = `SELECT input_video_key AS key FROM export_jobs WHERE input_video_key IN (${marks}) AND archived = 0
    UNION SELECT asset_key FROM export_job_assets AS used WHERE asset_key IN (${marks})
      AND EXISTS (SELECT 1 FROM export_jobs WHERE id = used.job_id AND archived = 0)`
  const { results } = await env.DB.prepare(query)
    .bind(...keys, ...keys)
    .all<{ key: string }>()
  return new Set(results.map((row) => row.key))
}

async function forgetAssets(env: Env, keys: readonly string[]): Promise<void> {
  const marks = keys.map(() => '?').join(', ')
  await env.DB.prepare(`DELETE FROM export_job_assets WHERE asset_key IN (${marks})`)
    .bind(...keys)
    .run()
}

const CURSOR_NAME = 'unused-uploads'

async function readCursor(env: Env): Promise<string | null> {
  return env.DB.prepare('SELECT value FROM sweep_cursors WHERE name = ?')
    .bind(CURSOR_NAME)
    .first<string>('value')
}

async function writeCursor(env: Env, cursor: string | null): Promise<void> {
  const statement =
    cursor === null
      ? env.DB.prepare('DELETE FROM sweep_cursors WHERE name = ?').bind(CURSOR_NAME)
      : env.DB.prepare('INSERT OR REPLACE INTO sweep_cursors (name, value) VALUES (?, ?)').bind(
          CURSOR_NAME,
          cursor,
        )
  await statement.run()
}

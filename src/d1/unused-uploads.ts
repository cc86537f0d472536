/**
 * Removes uploads that no job uses, on positive evidence only: the object has a project's metadata, so an upload of
 * this service stored it; no job named it when it was a week old, nor at any run for another week; and it is younger
 * than the list's epoch.
 */
import { USES_FILES } from '../../actors/export-job/effects/job-row.ts'
import { INPUT_PREFIX } from '../../actors/shared/owned-file.ts'
import type { Env } from '../env.ts'
import { trustedSince } from './list-trust.ts'
import { readCursor, writeCursor } from './sweep-cursor.ts'

const DAY = 24 * 60 * 60_000
/** Minimum age of an upload before it is noted as unused. */
export const UNNOTED_MS = 7 * DAY
/** Time between the note and the removal. */
export const NOTED_MS = 7 * DAY
/**
 * Name of the walk's cursor, the last key that was read. R2's own cursor is opaque, and one that it refused would stop
 * every later run.
 */
const CURSOR = 'unused-uploads-after'

export interface UploadsReport {
  /** Unused uploads that were removed. */
  removed: number
  /** Unused uploads that are kept: they are older than the list's epoch, so a job whose row was lost may need them. */
  kept: number
}

/** Walks through the uploads across runs, at most `most` objects in each. */
export async function removeUnusedUploads(env: Env, now: number, most: number): Promise<UploadsReport> {
  const report: UploadsReport = { removed: 0, kept: 0 }
  const epoch = await trustedSince(env, now)
  const startAfter = await readCursor(env, CURSOR)
  const page = await env.VIDEOS.list({
    prefix: INPUT_PREFIX,
    limit: most,
    include: ['customMetadata'],
    ...(startAfter !== null && { startAfter }),
  })
  const old = page.objects.filter(
    ({ uploaded, customMetadata }) =>
      customMetadata?.project !== undefined && now - uploaded.getTime() > UNNOTED_MS,
  )
  if (old.length > 0) Object.assign(report, await removeUnused(env, old, epoch, now))
  const next = page.truncated ? (page.objects.at(-1)?.key ?? null) : null
  if (next !== startAfter) await writeCursor(env, CURSOR, next)
  return report
}

async function removeUnused(env: Env, objects: readonly R2Object[], epoch: number, now: number) {
  const keys = objects.map(({ key }) => key)
  const [used, notes] = await Promise.all([usedKeys(env, keys), notesOf(env, keys)])
  const unused = objects.filter(({ key }) => !used.has(key))
  const recent = unused.filter(({ uploaded }) => uploaded.getTime() >= epoch).map(({ key }) => key)
  const due = recent.filter((key) => now - (notes.get(key) ?? now) > NOTED_MS)
  if (due.length > 0) await env.VIDEOS.delete(due)
  // When a job that used an upload is deleted, the upload gets both waiting times anew.
  const forgotten = [...due, ...used].filter((key) => notes.has(key))
  const statements = [
    ...forEach(
      env,
      recent.filter((key) => !notes.has(key)),
      'INSERT OR IGNORE INTO unused_uploads SELECT value, ?2 FROM json_each(?1)',
      now,
    ),
    ...forEach(env, forgotten, `DELETE FROM unused_uploads WHERE upload_key IN (${KEYS})`),
    ...forEach(env, due, `DELETE FROM export_job_assets WHERE asset_key IN (${KEYS})`),
  ]
  if (statements.length > 0) await env.DB.batch(statements)
  return { removed: due.length, kept: unused.length - recent.length }
}

/**
 * The keys as one bound value: D1 accepts at most 100 in a statement, and 1,000 statements in a run
 * (developers.cloudflare.com/d1/platform/limits).
 */
const KEYS = 'SELECT value FROM json_each(?1)'

/** No statement for no keys. */
function forEach(env: Env, keys: readonly string[], sql: string, ...more: number[]): D1PreparedStatement[] {
  return keys.length === 0 ? [] : [env.DB.prepare(sql).bind(JSON.stringify(keys), ...more)]
}

/** The keys that are named by a job which still has its videos. */
async function usedKeys(env: Env, keys: readonly string[]): Promise<Set<string>> {
  const query = `SELECT input_video_key AS key FROM export_jobs WHERE input_video_key IN (${KEYS}) AND ${USES_FILES}
    UNION SELECT asset_key FROM export_job_assets AS used WHERE asset_key IN (${KEYS})
      AND EXISTS (SELECT 1 FROM export_jobs WHERE id = used.job_id AND ${USES_FILES})`
  const { results } = await env.DB.prepare(query).bind(JSON.stringify(keys)).all<{ key: string }>()
  return new Set(results.map((row) => row.key))
}

/** Since when each key is noted as unused, in milliseconds. */
async function notesOf(env: Env, keys: readonly string[]): Promise<Map<string, number>> {
  const { results } = await env.DB.prepare(
    `SELECT upload_key, noted_at FROM unused_uploads WHERE upload_key IN (${KEYS})`,
  )
    .bind(JSON.stringify(keys))
    .all<{ upload_key: string; noted_at: number }>()
  return new Map(results.map(({ upload_key, noted_at }) => [upload_key, noted_at]))
}

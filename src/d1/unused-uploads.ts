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
/** D1 accepts at most 100 bound parameters in a statement. */
const KEYS_A_QUERY = 45
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
  for (let start = 0; start < old.length; start += KEYS_A_QUERY) {
    const { removed, kept } = await removeUnused(env, old.slice(start, start + KEYS_A_QUERY), epoch, now)
    report.removed += removed
    report.kept += kept
  }
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
  const statements = [
    ...recent.filter((key) => !notes.has(key)).map((key) => noteOf(env, key, now)),
    // When a job that used an upload is deleted, the upload gets both waiting times anew.
    ...[...due, ...used].filter((key) => notes.has(key)).map((key) => forgetNote(env, key)),
    ...due.map((key) => forgetAsset(env, key)),
  ]
  if (statements.length > 0) await env.DB.batch(statements)
  return { removed: due.length, kept: unused.length - recent.length }
}

/** The keys that are named by a job which still has its videos. */
async function usedKeys(env: Env, keys: readonly string[]): Promise<Set<string>> {
  const marks = keys.map(() => '?').join(', ')
  const query = `SELECT input_video_key AS key FROM export_jobs WHERE input_video_key IN (${marks}) AND ${USES_FILES}
    UNION SELECT asset_key FROM export_job_assets AS used WHERE asset_key IN (${marks})
      AND EXISTS (SELECT 1 FROM export_jobs WHERE id = used.job_id AND ${USES_FILES})`
  const { results } = await env.DB.prepare(query)
    .bind(...keys, ...keys)
    .all<{ key: string }>()
  return new Set(results.map((row) => row.key))
}

/** Since when each key is noted as unused, in milliseconds. */
async function notesOf(env: Env, keys: readonly string[]): Promise<Map<string, number>> {
  const marks = keys.map(() => '?').join(', ')
  const { results } = await env.DB.prepare(
    `SELECT upload_key, noted_at FROM unused_uploads WHERE upload_key IN (${marks})`,
  )
    .bind(...keys)
    .all<{ upload_key: string; noted_at: number }>()
  return new Map(results.map(({ upload_key, noted_at }) => [upload_key, noted_at]))
}

function noteOf(env: Env, key: string, now: number): D1PreparedStatement {
  return env.DB.prepare('INSERT OR IGNORE INTO unused_uploads VALUES (?, ?)').bind(key, now)
}

function forgetNote(env: Env, key: string): D1PreparedStatement {
  return env.DB.prepare('DELETE FROM unused_uploads WHERE upload_key = ?').bind(key)
}

function forgetAsset(env: Env, key: string): D1PreparedStatement {
  return env.DB.prepare('DELETE FROM export_job_assets WHERE asset_key = ?').bind(key)
}

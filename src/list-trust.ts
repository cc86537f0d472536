/**
 * What the sweep may believe of the list. Files are removed because the list names nobody who needs them, and a list
 * that was lost, replaced or set back to an earlier day names too few.
 *
 * The list's own row, `sweep`, says since when the list is known to be whole (its epoch) and when the sweep last ran.
 * That instant stands in the bucket as well: a list that says less than the bucket does was set back.
 */
import type { Env } from './env.ts'

/** Beside the videos, under no prefix of theirs. */
export const WITNESS_KEY = 'exportal/last-sweep'
/** The sweep runs every five minutes. After a longer silence what it noted earlier is looked at anew. */
const LONGEST_SILENCE_MS = 60 * 60_000

/**
 * The list's epoch in milliseconds: what is older may be needed by a job whose row was lost. Notes of unused uploads
 * are dropped when the list cannot be the one that they were made by.
 */
export async function trustedSince(env: Env, now: number): Promise<number> {
  const [own, witness] = await Promise.all([readOwnRow(env), env.VIDEOS.head(WITNESS_KEY)])
  const lastRunAt = own?.mirrored_at ?? 0
  const isSetBack = Number(witness?.customMetadata?.at ?? 0) > lastRunAt
  const epoch = own === null || isSetBack ? now : own.created_at
  const statements = [writeOwnRow(env, epoch, now)]
  if (epoch === now || now - lastRunAt > LONGEST_SILENCE_MS) {
    statements.push(env.DB.prepare('DELETE FROM unused_uploads'))
  }
  await env.DB.batch(statements)
  // After D1: a list that says more than the bucket was not set back.
  await env.VIDEOS.put(WITNESS_KEY, '', { customMetadata: { at: String(now) } })
  return epoch
}

function readOwnRow(env: Env) {
  const query = "SELECT created_at, mirrored_at FROM export_jobs WHERE id = 'sweep'"
  return env.DB.prepare(query).first<{ created_at: number; mirrored_at: number }>()
}

/** Two runs at once leave the later instant. */
function writeOwnRow(env: Env, epoch: number, now: number): D1PreparedStatement {
  return env.DB.prepare(
    `INSERT INTO export_jobs (id, project_id, type, status, input_video_key, params, max_attempts, request_hash,
       created_at, mirrored_at) VALUES ('sweep', 0, '', 'sweep', '', '{}', 0, '', ?1, ?2)
     ON CONFLICT (id) DO UPDATE SET created_at = ?1, mirrored_at = MAX(mirrored_at, ?2)`,
  ).bind(epoch, now)
}

/**
 * Determines how far the sweep may rely on the list. Files are removed because no row of the list names them, and a
 * list that was lost, replaced or restored to an earlier state names too few.
 *
 * The list's own row, `sweep`, holds the instant since which the list is known to be complete (its epoch), and the
 * instant of the sweep's last run. The latter is stored in the bucket as well: when the bucket has a later one than the
 * list, the list was restored.
 */
import type { Env } from '../env.ts'

/** Stored beside the videos, outside their prefixes. */
export const WITNESS_KEY = 'exportal/last-sweep'
/** The sweep runs every five minutes. After a longer pause its earlier notes are discarded. */
const LONGEST_SILENCE_MS = 60 * 60_000

/**
 * Returns the list's epoch in milliseconds: files older than that may be needed by a job whose row was lost. Notes of
 * unused uploads are deleted when they may have been made from another state of the list.
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
  // Written after D1: when the list alone has the later instant, it was not restored.
  await env.VIDEOS.put(WITNESS_KEY, '', { customMetadata: { at: String(now) } })
  return epoch
}

function readOwnRow(env: Env) {
  const query = "SELECT created_at, mirrored_at FROM export_jobs WHERE id = 'sweep'"
  return env.DB.prepare(query).first<{ created_at: number; mirrored_at: number }>()
}

/** When two runs overlap, the later instant is kept. */
function writeOwnRow(env: Env, epoch: number, now: number): D1PreparedStatement {
  return env.DB.prepare(
    `INSERT INTO export_jobs (id, project_id, type, status, input_video_key, params, max_attempts, request_hash,
       created_at, mirrored_at) VALUES ('sweep', 0, '', 'sweep', '', '{}', 0, '', ?1, ?2)
     ON CONFLICT (id) DO UPDATE SET created_at = ?1, mirrored_at = MAX(mirrored_at, ?2)`,
  ).bind(epoch, now)
}

/** Records which unfinished multipart uploads belong to a job, so that deleting the job aborts them. */
import type { Env } from '../env.ts'
import { callUpload } from '../stubs.ts'
import { reach } from './reach.ts'

/** @throws Problem 503 */
export async function noteUpload(env: Env, jobId: string, key: string): Promise<void> {
  const insert = 'INSERT OR IGNORE INTO job_uploads (job_id, upload_key) VALUES (?, ?)'
  await reach(() => env.DB.prepare(insert).bind(jobId, key).run(), 'uploads')
}

/** Uploads aborted at once, and per request; the actors of the remaining ones abort them within a day. */
const AT_ONCE = 20
const MAX_A_REQUEST = 500
/** The elements of a JSON array in place of many bound values. */
const EACH = 'SELECT value FROM json_each(?)'

/**
 * Aborts the unfinished uploads of jobs; complete ones are kept for the jobs that use them. An actor that cannot be
 * reached delays neither the others nor the caller: the fault is logged, and the upload is aborted a day after its last
 * part.
 *
 * @throws Problem 503 when the list of uploads cannot be read
 */
export async function abandonUploads(env: Env, jobIds: readonly string[]): Promise<void> {
  const ids = JSON.stringify(jobIds)
  const select = env.DB.prepare(`SELECT upload_key AS key FROM job_uploads WHERE job_id IN (${EACH}) LIMIT ?`)
  const { results } = await reach(() => select.bind(ids, MAX_A_REQUEST).all<{ key: string }>(), 'uploads')
  for (let start = 0; start < results.length; start += AT_ONCE) {
    const keys = results.slice(start, start + AT_ONCE).map(({ key }) => key)
    const outcomes = await Promise.allSettled(
      keys.map((key) => callUpload(env, key, (upload) => upload.abandon())),
    )
    const ended = keys.filter((_, index) => outcomes[index]?.status === 'fulfilled')
    if (ended.length === 0) continue
    const remove = `DELETE FROM job_uploads WHERE job_id IN (${EACH}) AND upload_key IN (${EACH})`
    await reach(() => env.DB.prepare(remove).bind(ids, JSON.stringify(ended)).run(), 'uploads')
  }
}

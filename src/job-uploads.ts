/** Which unfinished uploads in parts belong to a job, so that deleting the job ends them. */
import { logFault } from '../actors/log.ts'
import type { Env } from './env.ts'
import { unavailable } from './problem.ts'
import { callUpload } from './stubs.ts'

/** @throws Problem 503 */
export async function noteUpload(env: Env, jobId: string, key: string): Promise<void> {
  const insert = 'INSERT OR IGNORE INTO job_uploads (job_id, upload_key) VALUES (?, ?)'
  await reach(() => env.DB.prepare(insert).bind(jobId, key).run())
}

/** So many uploads are ended at once, and so many by one request: what is left is ended by its actors within a day. */
const AT_ONCE = 20
const MOST_A_REQUEST = 500

/**
 * Ends the job's unfinished uploads; what is complete stays to whoever uses it. One whose actor cannot be reached holds
 * up neither the others nor the caller: it is logged, and ends a day after its last part.
 *
 * @throws Problem 503 when the list of uploads cannot be read
 */
export async function abandonUploads(env: Env, jobId: string): Promise<void> {
  const select = env.DB.prepare('SELECT upload_key AS key FROM job_uploads WHERE job_id = ? LIMIT ?')
  const { results } = await reach(() => select.bind(jobId, MOST_A_REQUEST).all<{ key: string }>())
  for (let start = 0; start < results.length; start += AT_ONCE) {
    const keys = results.slice(start, start + AT_ONCE).map(({ key }) => key)
    const outcomes = await Promise.allSettled(
      keys.map((key) => callUpload(env, key, (upload) => upload.abandon())),
    )
    const ended = keys.filter((_, index) => outcomes[index]?.status === 'fulfilled')
    if (ended.length > 0) await reach(() => forget(env, jobId, ended))
  }
}

function forget(env: Env, jobId: string, keys: readonly string[]): Promise<D1Result> {
  const marks = keys.map(() => '?').join(', ')
  const remove = `DELETE FROM job_uploads WHERE job_id = ? AND upload_key IN (${marks})`
  return env.DB.prepare(remove)
    .bind(jobId, ...keys)
    .run()
}

async function reach<T>(query: () => Promise<T>): Promise<T> {
  try {
    return await query()
  } catch (error) {
    logFault('d1', error)
    throw unavailable('list_unavailable', 'The list of uploads could not be reached; try again shortly.')
  }
}

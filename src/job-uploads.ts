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

/** Ends the job's unfinished uploads; what is complete stays to whoever uses it. @throws Problem 503 */
export async function abandonUploads(env: Env, jobId: string): Promise<void> {
  const select = env.DB.prepare('SELECT upload_key AS key FROM job_uploads WHERE job_id = ?').bind(jobId)
  const { results } = await reach(() => select.all<{ key: string }>())
  if (results.length === 0) return
  await Promise.all(results.map(({ key }) => callUpload(env, key, (upload) => upload.abandon())))
  await reach(() => env.DB.prepare('DELETE FROM job_uploads WHERE job_id = ?').bind(jobId).run())
}

async function reach<T>(query: () => Promise<T>): Promise<T> {
  try {
    return await query()
  } catch (error) {
    logFault('d1', error)
    throw unavailable('list_unavailable', 'The list of uploads could not be reached; try again shortly.')
  }
}

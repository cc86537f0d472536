/** The only door to the actors: a job id becomes a typed stub here, and nowhere else. */
import type { ExportJob } from '../actors/export-job/export-job.ts'
import type { Env } from './env.ts'
import { unavailable } from './problem.ts'

export type JobStub = DurableObjectStub<ExportJob>

const MOST_TRIES = 3
const FIRST_PAUSE_MS = 50

/**
 * Calls the job's actor. Every method of the actor is repeat-safe, so a call that the platform says may be retried is
 * made again, on a fresh stub: one that has failed may stay broken.
 *
 * @throws Problem 503 when the actor cannot be reached, is overloaded, or failed
 */
export async function callJob<P extends Promise<unknown>>(
  env: Env,
  jobId: string,
  call: (job: JobStub) => P,
): Promise<Awaited<P>> {
  for (let tries = 1; ; tries++) {
    try {
      return await call(env.EXPORT_JOB.getByName(jobId))
    } catch (error) {
      if (tries >= MOST_TRIES || !mayRetry(error)) {
        console.error(JSON.stringify({ at: 'stub', job_id: jobId, tries, error: String(error) }))
        throw unavailable('job_unavailable', 'The job could not be reached; try again shortly.', 2)
      }
      await scheduler.wait(FIRST_PAUSE_MS * 2 ** (tries - 1) * (0.5 + Math.random()))
    }
  }
}

/** An overloaded actor only gets worse by being asked again. */
export function mayRetry(error: unknown): boolean {
  if (error === null || typeof error !== 'object') return false
  const retryable = 'retryable' in error && error.retryable === true
  const overloaded = 'overloaded' in error && error.overloaded === true
  return retryable && !overloaded
}

/**
 * The only way to the actors: a typed stub from a job id, an upload's key, or an endpoint's name is created here alone.
 */
import type { ExportJob } from '../actors/export-job/export-job.ts'
import type { Lane } from '../actors/lane/lane.ts'
import { logFault } from '../actors/shared/log.ts'
import type { Upload } from '../actors/upload/upload.ts'
import type { Env } from './env.ts'
import { type Problem, unavailable } from './http/problem.ts'

export type JobStub = DurableObjectStub<ExportJob>
export type UploadStub = DurableObjectStub<Upload>
export type LaneStub = DurableObjectStub<Lane>

const MAX_TRIES = 3
const FIRST_PAUSE_MS = 50

/** @throws Problem 503 when the job's actor cannot be reached, is overloaded, or failed */
export async function callJob<P extends Promise<unknown>>(
  env: Env,
  jobId: string,
  call: (job: JobStub) => P,
): Promise<Awaited<P>> {
  return callActor(
    () => call(env.EXPORT_JOB.getByName(jobId)),
    { job_id: jobId },
    () => unavailable('job_unavailable', 'The job could not be reached; try again shortly.', 2),
  )
}

/** @throws Problem 503 when the upload's actor cannot be reached, is overloaded, or failed */
export async function callUpload<P extends Promise<unknown>>(
  env: Env,
  key: string,
  call: (upload: UploadStub) => P,
): Promise<Awaited<P>> {
  return callActor(
    () => call(env.UPLOAD.getByName(key)),
    { upload_key: key },
    () => unavailable('upload_unavailable', 'The upload could not be reached; try again shortly.', 2),
  )
}

/** @throws Problem 503 when the lane's actor cannot be reached, is overloaded, or failed */
export async function callLane<P extends Promise<unknown>>(
  env: Env,
  name: string,
  call: (lane: LaneStub) => P,
): Promise<Awaited<P>> {
  return callActor(
    () => call(env.LANE.getByName(name)),
    { lane: name },
    () => unavailable('lane_unavailable', 'The lane could not be reached; try again shortly.', 2),
  )
}

/**
 * Every method of the actors may be repeated, so a call that the platform marks as retryable is repeated on a new stub:
 * a stub that has failed may stay broken.
 */
async function callActor<P extends Promise<unknown>>(
  call: () => P,
  about: Record<string, string>,
  problem: () => Problem,
): Promise<Awaited<P>> {
  for (let tries = 1; ; tries++) {
    try {
      return await call()
    } catch (error) {
      if (tries >= MAX_TRIES || !mayRetry(error)) {
        logFault('stub', error, { ...about, tries })
        throw problem()
      }
      await scheduler.wait(FIRST_PAUSE_MS * 2 ** (tries - 1) * (0.5 + Math.random()))
    }
  }
}

/** Not when the actor is overloaded: another call would only increase its load. */
export function mayRetry(error: unknown): boolean {
  if (error === null || typeof error !== 'object') return false
  const retryable = 'retryable' in error && error.retryable === true
  const overloaded = 'overloaded' in error && error.overloaded === true
  return retryable && !overloaded
}

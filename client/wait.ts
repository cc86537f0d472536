/** Waits for the end of a job, over a watch. */
import { ExportalTimeoutError, ExportJobFailed } from './errors.ts'
import type { Transport } from './http.ts'
import { callAfter } from './time.ts'
import type { Job } from './types.ts'
import { JobWatch, type WatchOptions } from './watch.ts'

export interface WaitOptions extends WatchOptions {
  /**
   * Stops the wait, not the job: rejects with ExportalTimeoutError, which contains the job's id. No limit if not
   * finite.
   */
  timeoutMs?: number | undefined
  /** `true`: an `error` or `cancelled` job resolves, too. */
  resolveFailed?: boolean | undefined
}

/** Resolves with the complete job; rejects with ExportJobFailed when it ended otherwise. */
export async function waitForJob(
  http: Transport,
  target: string | Job,
  options: WaitOptions = {},
): Promise<Job> {
  const { timeoutMs, resolveFailed } = options
  const watch = new JobWatch(http, target, options)
  let late = false
  const expire = () => {
    late = true
    watch.close()
  }
  const stopTimer = callAfter(timeoutMs ?? Number.POSITIVE_INFINITY, expire)
  try {
    const job = await watch.done
    if (job.status === 'complete' || resolveFailed) return job
    throw new ExportJobFailed(job)
  } catch (error) {
    throw late ? new ExportalTimeoutError(watch.id, watch.job, timeoutMs ?? 0) : error
  } finally {
    stopTimer()
  }
}

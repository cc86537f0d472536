/** The remaining time of a running job by its worker's estimate, while that is recent enough. Pure. */
import type { Job } from '../../../client/index.ts'
import { span } from '../format.ts'
import { serverNow } from '../server-time.ts'

type Timed = Pick<Job, 'status'> & Partial<Pick<Job, 'eta_seconds' | 'last_report_at'>>

/** Silence of this length is shown: a worker reports every few seconds. */
const SILENT_MS = 20_000

/**
 * `about 31 s left`, counted down since the report; for a silent worker, for how long it has been silent. Null when
 * there is nothing to show.
 */
export function timeLeft(job: Timed, now = serverNow()): string | null {
  if (job.status !== 'processing') return null
  const age = job.last_report_at ? Math.max(0, now - Date.parse(job.last_report_at)) : 0
  const left = job.eta_seconds == null ? null : job.eta_seconds * 1000 - age
  if (age >= SILENT_MS) {
    const news = `last news ${span(age)} ago`
    return left !== null && left <= 0 ? `longer than expected, ${news}` : news
  }
  if (left === null) return null
  return left < 1000 ? 'almost there' : `about ${span(left)} left`
}

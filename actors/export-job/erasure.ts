/** Derives what the D1 row keeps of a job whose files are being erased. */

import type { Job } from './core/job.ts'
import type { Erasure } from './effects/job-row.ts'

/** Null when the job is not being deleted. */
export function erasureOf({ request, version, phase }: Job): Erasure | null {
  if (phase.status !== 'deleting') return null
  return { id: request.id, createdAt: request.createdAt, version, until: phase.until }
}

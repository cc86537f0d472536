/** What the row in D1 keeps of a job whose files are being erased. */
import type { Erasure } from '../mirror.ts'
import type { Job } from './core/job.ts'

/** Null when the job is not being deleted. */
export function erasureOf({ request, version, phase }: Job): Erasure | null {
  if (phase.status !== 'deleting') return null
  return { id: request.id, createdAt: request.createdAt, version, until: phase.until }
}

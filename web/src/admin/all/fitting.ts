/** The jobs of a search to which an action can be done. */
import type { JobPage } from '../../../../client/index.ts'
import type { AnyJob } from '../../ui/use-pages.ts'
import type { Search } from '../calls.ts'

/** The most jobs that one press acts on. */
export const MOST = 500

/** What an action can be done to. */
export interface Fit {
  statuses: readonly string[]
  fits: (job: AnyJob) => boolean
}

/**
 * At most MOST jobs that are found and fit, and whether there are more. Each status is asked for by itself: jobs that do
 * not fit take no one's place, however many and new they are.
 *
 * @param ask one page of a search
 */
export async function fittingOf(
  ask: (wanted: Search, cursor: string | null) => Promise<JobPage>,
  wanted: Search,
  { statuses, fits }: Fit,
): Promise<{ jobs: AnyJob[]; cut: boolean }> {
  const jobs: AnyJob[] = []
  for (const status of statuses) {
    if (wanted.status !== '' && wanted.status !== status) continue
    let cursor: string | null = null
    do {
      if (jobs.length >= MOST) return { jobs: jobs.slice(0, MOST), cut: true }
      const page = await ask({ ...wanted, status }, cursor)
      jobs.push(...page.jobs.filter(fits))
      cursor = page.next_cursor
    } while (cursor !== null)
  }
  return { jobs: jobs.slice(0, MOST), cut: jobs.length > MOST }
}

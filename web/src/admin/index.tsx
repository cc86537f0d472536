/** The operators' pages: all jobs, and one actor opened up. Loaded when first visited. */
import type { Page } from '../pages.ts'
import { AllJobs } from './all/all-jobs.tsx'
import { JobInspector } from './job/job-inspector.tsx'

export function Admin({ page }: { page: Extract<Page, { name: 'all-jobs' | 'inspector' }> }) {
  // Keyed, so that going from one job to another starts afresh.
  return page.name === 'inspector' ? <JobInspector key={page.id} id={page.id} /> : <AllJobs />
}

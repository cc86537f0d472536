/** The operators' pages: all jobs, the lanes, and the state of one actor. Loaded when first visited. */
import type { Page } from '../pages.ts'
import { AllJobs } from './all/all-jobs.tsx'
import { JobInspector } from './job/job-inspector.tsx'
import { Lanes } from './lanes/lanes.tsx'

export function Admin({ page }: { page: Extract<Page, { name: 'all-jobs' | 'inspector' | 'lanes' }> }) {
  if (page.name === 'lanes') return <Lanes />
  // Keyed, so that another job starts with new state.
  return page.name === 'inspector' ? <JobInspector key={page.id} id={page.id} /> : <AllJobs />
}

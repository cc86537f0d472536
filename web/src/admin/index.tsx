/** The operators' pages: all jobs at `/admin`, and one actor opened up at `/admin/jobs/<id>`. Loaded when first visited. */
import { NotFound } from '../ui/not-found.tsx'
import { AllJobs } from './all/all-jobs.tsx'
import { JobInspector } from './job/job-inspector.tsx'

export function Admin({ path }: { path: string }) {
  if (/^\/admin\/?$/.test(path)) return <AllJobs />
  const [, id] = /^\/admin\/jobs\/([^/]+)\/?$/.exec(path) ?? []
  // Keyed, so that going from one job to another starts afresh.
  return id ? <JobInspector key={id} id={decodeURIComponent(id)} /> : <NotFound />
}

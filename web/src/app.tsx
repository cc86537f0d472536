/** The pages: a studio at `/`, one page for each job, and the operators' own below `/admin`. */
import './styles/index.css'
import { render } from 'preact'
import { JobPage } from './job/job-page.tsx'
import { useLocation } from './router.tsx'
import { Studio } from './studio/studio.tsx'
import { Announcer } from './ui/announcer.tsx'
import { Frame } from './ui/frame.tsx'
import { Later } from './ui/later.tsx'
import { NotFound } from './ui/not-found.tsx'

function App() {
  const { path } = useLocation()
  return (
    <Frame>
      {page(path)}
      <Announcer />
    </Frame>
  )
}

function page(path: string) {
  if (path === '/') return <Studio />
  const [, jobId] = /^\/jobs\/([^/]+)\/?$/.exec(path) ?? []
  // Keyed, so that going from one job to another starts afresh.
  if (jobId) return <JobPage key={jobId} id={decodeURIComponent(jobId)} />
  if (/^\/admin(\/|$)/.test(path)) return <Later load={admin} props={{ path }} />
  return <NotFound />
}

const admin = async () => (await import('./admin/index.tsx')).Admin

const root = document.getElementById('app')
if (root) render(<App />, root)

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
  const jobId = jobIdIn(path)
  // Keyed, so that going from one job to another starts afresh.
  if (jobId) return <JobPage key={jobId} id={jobId} />
  if (/^\/admin(\/|$)/.test(path)) return <Later load={admin} props={{ path }} />
  return <NotFound />
}

function jobIdIn(path: string): string | null {
  const [, text] = /^\/jobs\/([^/]+)\/?$/.exec(path) ?? []
  try {
    return text ? decodeURIComponent(text) : null
  } catch {
    // An escape sequence that is none: no id of ours.
    return null
  }
}

const admin = async () => (await import('./admin/index.tsx')).Admin

const root = document.getElementById('app')
if (root) render(<App />, root)

/** The pages: a studio at `/`, one page for each job, and the operators' own below `/admin`. */
import './styles/index.css'
import { render } from 'preact'
import { JobPage } from './job/job-page.tsx'
import { pageAt } from './pages.ts'
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
      {pageOf(path)}
      <Announcer />
    </Frame>
  )
}

function pageOf(path: string) {
  const page = pageAt(path)
  switch (page?.name) {
    case 'studio':
      return <Studio />
    case 'job':
      // Keyed, so that going from one job to another starts afresh.
      return <JobPage key={page.id} id={page.id} />
    case 'all-jobs':
    case 'inspector':
      return <Later name="admin" load={admin} props={{ page }} />
    default:
      return <NotFound />
  }
}

const admin = async () => (await import('./admin/index.tsx')).Admin

const root = document.getElementById('app')
if (root) render(<App />, root)

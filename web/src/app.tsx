/** The pages: a studio at `/`, one page for each job, and the operators' pages below `/admin`. */
import './styles/index.css'
import { render } from 'preact'
import { JobPage } from './job/job-page.tsx'
import { pageAt } from './pages.ts'
import { useLocation } from './router.tsx'
import { projectId } from './service.ts'
import { begin } from './session/session.ts'
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
      // Keyed, so that another job starts with new state.
      return <JobPage key={page.id} id={page.id} />
    case 'all-jobs':
    case 'lanes':
    case 'inspector':
      return <Later name="admin" load={admin} props={{ page }} />
    default:
      return <NotFound />
  }
}

const admin = async () => (await import('./admin/index.tsx')).Admin

const root = document.getElementById('app')
if (root) void begin(projectId).finally(() => render(<App />, root))

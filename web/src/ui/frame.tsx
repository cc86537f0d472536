import type { ComponentChildren } from 'preact'
import { Link, setQuery, useLocation } from '../router.tsx'
import { projectId } from '../service.ts'
import { Icon } from './icon.tsx'

/** What surrounds every page. */
export function Frame({ children }: { children: ComponentChildren }) {
  const { path } = useLocation()
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <header class="top">
        <Link to="/" class="brand" aria-label="Exportal, to the studio">
          <Icon name="logo" /> Exportal
        </Link>
        <nav aria-label="Main">
          <Link to="/" aria-current={path === '/' ? 'page' : undefined}>
            Studio
          </Link>
          <Link to="/admin" aria-current={path.startsWith('/admin') ? 'page' : undefined}>
            Admin
          </Link>
          <a href="/docs" class="wide">
            API
          </a>
        </nav>
        {path === '/' && <Project />}
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </>
  )
}

function Project() {
  const change = (event: Event) => {
    if (event.target instanceof HTMLInputElement && event.target.validity.valid) {
      setQuery('project', event.target.value || null)
    }
  }
  return (
    <label class="project">
      <span>Project</span>
      <input type="number" min="1" step="1" inputMode="numeric" value={projectId()} onChange={change} />
    </label>
  )
}

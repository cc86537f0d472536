import type { ComponentChildren } from 'preact'
import { Link, setQuery, useLocation } from '../router.tsx'
import { projectId, visit } from '../service.ts'
import { Icon } from './icon.tsx'

/** The layout around every page. */
export function Frame({ children }: { children: ComponentChildren }) {
  const { path } = useLocation()
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <header class="top">
        {visit().shared ? (
          <span class="brand">
            <Icon name="logo" /> Exportal
          </span>
        ) : (
          <Pages path={path} />
        )}
        {path === '/' && <Project />}
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </>
  )
}

/** Navigation; hidden for a link that is confined to one job. */
function Pages({ path }: { path: string }) {
  return (
    <>
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

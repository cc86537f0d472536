/** Addresses within the pages. None of them contains a token. */
import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'

const CHANGED = 'exportal:navigated'
/** Query parameters that all pages of a visit share. */
const KEPT = ['project']

// The browser would restore the position before the page is rendered.
history.scrollRestoration = 'manual'

export interface Location {
  path: string
  query: URLSearchParams
}

function here(): Location {
  return { path: location.pathname, query: new URLSearchParams(location.search) }
}

/** The current address; renders again when it changes. */
export function useLocation(): Location {
  const [at, setAt] = useState(here)
  useEffect(() => {
    const update = (event: Event) => {
      setAt(here())
      const place = event instanceof PopStateEvent && event.state?.scrolledTo
      if (place) setTimeout(() => scrollTo(0, place), 0)
    }
    addEventListener('popstate', update)
    addEventListener(CHANGED, update)
    return () => {
      removeEventListener('popstate', update)
      removeEventListener(CHANGED, update)
    }
  }, [])
  return at
}

/** An address within the pages, with the shared query parameters that it does not contain itself. */
export function addressOf(path: string): string {
  const { pathname, searchParams } = new URL(path, location.origin)
  const current = new URLSearchParams(location.search)
  for (const name of KEPT) {
    const value = current.get(name)
    if (value && !searchParams.has(name)) searchParams.set(name, value)
  }
  return searchParams.size > 0 ? `${pathname}?${searchParams}` : pathname
}

export function navigate(path: string): void {
  // Stores the position for going back.
  history.replaceState({ scrolledTo: scrollY }, '')
  history.pushState(null, '', addressOf(path))
  dispatchEvent(new Event(CHANGED))
  scrollTo(0, 0)
  // The focused element is gone; the next Tab should start at the new page, and a screen reader read its title.
  document.getElementById('main')?.focus({ preventScroll: true })
}

/** Sets or removes a query parameter without a new entry in the history. */
export function setQuery(name: string, value: string | null): void {
  setQueries({ [name]: value })
}

export function setQueries(values: Record<string, string | null>): void {
  const url = new URL(location.href)
  for (const [name, value] of Object.entries(values)) {
    if (value === null) url.searchParams.delete(name)
    else url.searchParams.set(name, value)
  }
  history.replaceState(null, '', url)
  dispatchEvent(new Event(CHANGED))
}

interface LinkProps extends Omit<JSX.HTMLAttributes<HTMLAnchorElement>, 'href'> {
  to: string
  class?: string
  children: ComponentChildren
}

/** A link within the pages; like any link it can be opened in a new tab. */
export function Link({ to, children, ...rest }: LinkProps) {
  const go = (event: MouseEvent) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    navigate(to)
  }
  return (
    <a {...rest} href={addressOf(to)} onClick={go}>
      {children}
    </a>
  )
}

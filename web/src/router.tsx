/** Addresses within the pages. A token in the address stays in it, so that a reload and the next page have it too. */
import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'

const CHANGED = 'exportal:navigated'
/** What every page of one visit shares. */
const KEPT = ['token', 'project']

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
    const update = () => setAt(here())
    addEventListener('popstate', update)
    addEventListener(CHANGED, update)
    return () => {
      removeEventListener('popstate', update)
      removeEventListener(CHANGED, update)
    }
  }, [])
  return at
}

/** An address within the pages, with what this visit keeps. */
export function addressOf(path: string): string {
  const current = new URLSearchParams(location.search)
  const kept = KEPT.flatMap((name) => {
    const value = current.get(name)
    return value ? [[name, value]] : []
  })
  const query = new URLSearchParams(kept).toString()
  return query ? `${path}?${query}` : path
}

export function navigate(path: string): void {
  history.pushState(null, '', addressOf(path))
  dispatchEvent(new Event(CHANGED))
  scrollTo(0, 0)
  // What was focused is gone; the next Tab should start at the new page, and a screen reader read its title.
  document.getElementById('main')?.focus({ preventScroll: true })
}

/** Sets or removes one name of the query without a new entry in the history. */
export function setQuery(name: string, value: string | null): void {
  const url = new URL(location.href)
  if (value === null) url.searchParams.delete(name)
  else url.searchParams.set(name, value)
  history.replaceState(null, '', url)
  dispatchEvent(new Event(CHANGED))
}

interface LinkProps extends Omit<JSX.HTMLAttributes<HTMLAnchorElement>, 'href'> {
  to: string
  class?: string
  children: ComponentChildren
}

/** A link within the pages; opens in a new tab like any other when asked to. */
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

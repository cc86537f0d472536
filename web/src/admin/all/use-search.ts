/** The list of all jobs, as it is searched; its first page is asked for again while somebody looks. */
import { useCallback, useEffect } from 'preact/hooks'
import { type Pages, usePages } from '../../ui/use-pages.ts'
import { type Search, search } from '../calls.ts'

const PAGE = 50
const EVERY_MS = 4_000
/** Only while one page is shown it is renewed: more would move under the reader. */
const WHILE_ONE_PAGE = { mostPages: 1, olderThanMs: 0 }

export function useSearch(wanted: Search): Pages {
  const ask = useCallback(
    (cursor: string | null, signal: AbortSignal) => search(wanted, cursor, PAGE, signal),
    [wanted],
  )
  const { renew, change: _, ...pages } = usePages(ask)
  useEffect(() => {
    const timer = setInterval(() => renew(WHILE_ONE_PAGE), EVERY_MS)
    return () => clearInterval(timer)
  }, [renew])
  return pages
}

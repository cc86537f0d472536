/** Loads the operators' list for a search; its first page is refreshed while the page is visible. */
import { useCallback, useEffect, useRef } from 'preact/hooks'
import type { TriagedJob } from '../../../../wire/admin.ts'
import { type Pages, usePages } from '../../ui/use-pages.ts'
import { search } from '../calls.ts'
import type { Search } from './search.ts'

const PAGE = 100
const EVERY_MS = 4_000
/** For rare jobs the service may find none in one page; the next page is then requested, at most this often. */
const MAX_EMPTY = 20

export function useSearch(wanted: Search): Pages<TriagedJob> {
  const ask = useCallback(
    (cursor: string | null, signal: AbortSignal) => search(wanted, cursor, PAGE, signal),
    [wanted],
  )
  const { renew, change: _, list: __, ...pages } = usePages(ask, PAGE)
  const empty = useRef(0)
  useEffect(() => {
    empty.current = 0
    const timer = setInterval(renew, EVERY_MS)
    return () => clearInterval(timer)
  }, [renew])
  const { jobs, more, busy, loadMore } = pages
  useEffect(() => {
    if (jobs?.length === 0 && more && !busy && empty.current++ < MAX_EMPTY) loadMore()
  })
  return pages
}

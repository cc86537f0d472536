/** The list of all jobs, as it is searched; its first page is asked for again while somebody looks. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import type { ListedJob } from '../../../../client/index.ts'
import { type Search, search } from '../calls.ts'

const PAGE = 50
const EVERY_MS = 4_000

export interface Found {
  /** Null until the first answer. */
  jobs: ListedJob[] | null
  error: unknown
  more: boolean
  busy: boolean
  loadMore(): void
  reload(): void
}

export function useSearch(wanted: Search): Found {
  const [jobs, setJobs] = useState<ListedJob[] | null>(null)
  const [cursor, setCursor] = useState<string | null>(null)
  const [error, setError] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)
  /** Only while one page is shown it is renewed: more would move under the reader. */
  const pages = useRef(0)
  const asked = useRef<AbortController | null>(null)

  const load = useCallback(
    async (from: string | null) => {
      asked.current?.abort()
      const mine = new AbortController()
      asked.current = mine
      setBusy(true)
      try {
        const page = await search(wanted, from, PAGE, mine.signal)
        pages.current = from === null ? 1 : pages.current + 1
        setJobs((before) => (from === null ? page.jobs : [...(before ?? []), ...page.jobs]))
        setCursor(page.next_cursor)
        setError(null)
      } catch (reason) {
        if (!mine.signal.aborted) setError(reason)
      } finally {
        if (asked.current === mine) setBusy(false)
      }
    },
    [wanted],
  )

  useEffect(() => {
    setJobs(null)
    void load(null)
    const timer = setInterval(() => {
      if (!document.hidden && pages.current === 1) void load(null)
    }, EVERY_MS)
    return () => {
      clearInterval(timer)
      asked.current?.abort()
    }
  }, [load])

  return {
    jobs,
    error,
    more: cursor !== null,
    busy,
    loadMore: () => void load(cursor),
    reload: () => void load(null),
  }
}

/**
 * A list that is read page by page: by cursor, the newest first. Only the answer to the newest question counts, and what
 * is shown stays while it is asked for again.
 */
import { type Dispatch, type StateUpdater, useCallback, useEffect, useRef, useState } from 'preact/hooks'
import type { Job, JobPage, ListedJob } from '../../../client/index.ts'

/** A job as the list knows it, or as it was told live. */
export type AnyJob = Job | ListedJob

export interface Pages {
  /** Null until the first page is there. */
  jobs: AnyJob[] | null
  error: unknown
  /** There is more behind the last one. */
  more: boolean
  busy: boolean
  loadMore(): void
  reload(): void
}

export interface Reading extends Pages {
  /** The first page again, if only so many are shown and it is older than this; an error stays until it came. */
  renew(when: { mostPages: number; olderThanMs: number }): void
  change: Dispatch<StateUpdater<AnyJob[] | null>>
}

/** @param ask a page; the list begins anew whenever this is another function */
export function usePages(ask: (cursor: string | null, signal: AbortSignal) => Promise<JobPage>): Reading {
  const [jobs, setJobs] = useState<AnyJob[] | null>(null)
  const [cursor, setCursor] = useState<string | null>(null)
  const [error, setError] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)
  const shown = useRef({ pages: 0, at: 0 })
  const asked = useRef<AbortController | null>(null)

  const load = useCallback(
    async (from: string | null) => {
      asked.current?.abort()
      const mine = new AbortController()
      asked.current = mine
      setBusy(true)
      try {
        const page = await ask(from, mine.signal)
        shown.current = { pages: from === null ? 1 : shown.current.pages + 1, at: Date.now() }
        setJobs((before) => (from === null ? page.jobs : append(before ?? [], page.jobs)))
        setCursor(page.next_cursor)
        setError(null)
      } catch (reason) {
        if (!mine.signal.aborted) setError(reason)
      } finally {
        if (asked.current === mine) setBusy(false)
      }
    },
    [ask],
  )

  useEffect(() => {
    setJobs(null)
    setError(null)
    void load(null)
    return () => asked.current?.abort()
  }, [load])

  const renew = useCallback(
    ({ mostPages, olderThanMs }: { mostPages: number; olderThanMs: number }) => {
      const { pages, at } = shown.current
      const wanted = !document.hidden && pages <= mostPages && Date.now() - at > olderThanMs
      if (wanted) void load(null)
    },
    [load],
  )

  /** What somebody asked for by hand: the error of before has been read. */
  const loadByHand = (from: string | null) => {
    setError(null)
    void load(from)
  }
  return {
    jobs,
    error,
    more: cursor !== null,
    busy,
    loadMore: () => loadByHand(cursor),
    reload: () => loadByHand(null),
    renew,
    change: setJobs,
  }
}

/** A job may move between two pages while they are read; it is shown once. */
function append(before: AnyJob[], page: ListedJob[]): AnyJob[] {
  const known = new Set(before.map(({ id }) => id))
  return [...before, ...page.filter(({ id }) => !known.has(id))]
}

/**
 * A list that is loaded page by page by cursor, newest first. Answers to outdated requests are ignored, and the shown
 * list stays during a refresh.
 */
import { type Dispatch, type StateUpdater, useCallback, useEffect, useRef, useState } from 'preact/hooks'

/** The loaded part of a list. */
export interface Loaded<T> {
  /** Null until the first page is loaded. */
  jobs: T[] | null
  /** Cursor of the next page; null when there is none. */
  cursor: string | null
}

export interface Pages<T> {
  jobs: T[] | null
  error: unknown
  /** Whether there are more pages. */
  more: boolean
  busy: boolean
  loadMore(): void
  reload(): void
}

export interface Reading<T> extends Pages<T> {
  list: Loaded<T>
  /**
   * Reloads the first page while the page is visible, no more than that is shown and no request is pending: each would
   * end the previous one, and a service slower than the interval would never be shown. An error stays until then.
   */
  renew(): void
  change: Dispatch<StateUpdater<Loaded<T>>>
}

/**
 * @param ask requests a page; the list is reset whenever this function changes
 * @param size page size
 * @param kept the initial list; if it is a single page, it is reloaded
 */
export function usePages<T extends { id: string }>(
  ask: (cursor: string | null, signal: AbortSignal) => Promise<{ jobs: T[]; next_cursor: string | null }>,
  size: number,
  kept: () => Loaded<T> = nothing,
): Reading<T> {
  const [list, setList] = useState<Loaded<T>>(kept)
  const [error, setError] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)
  /** The pending request. */
  const asked = useRef<AbortController | null>(null)
  const latest = useRef({ kept, list })
  latest.current = { kept, list }

  const load = useCallback(
    async (from: string | null) => {
      asked.current?.abort()
      const mine = new AbortController()
      asked.current = mine
      setBusy(true)
      try {
        const page = await ask(from, mine.signal)
        setList(({ jobs }) => ({
          jobs: from === null ? page.jobs : append(jobs ?? [], page.jobs),
          cursor: page.next_cursor,
        }))
        setError(null)
      } catch (reason) {
        if (!mine.signal.aborted) setError(reason)
      } finally {
        if (asked.current === mine) {
          asked.current = null
          setBusy(false)
        }
      }
    },
    [ask],
  )

  useEffect(() => {
    const start = latest.current.kept()
    setList(start)
    setError(null)
    if ((start.jobs?.length ?? 0) <= size) void load(null)
    return () => asked.current?.abort()
  }, [load, size])

  const renew = useCallback(() => {
    if (document.hidden || asked.current !== null) return
    if ((latest.current.list.jobs?.length ?? 0) <= size) void load(null)
  }, [load, size])

  /** A manual request, so the previous error is cleared. */
  const loadByHand = (from: string | null) => {
    setError(null)
    void load(from)
  }
  return {
    jobs: list.jobs,
    list,
    error,
    more: list.cursor !== null,
    busy,
    loadMore: () => loadByHand(list.cursor),
    reload: () => loadByHand(null),
    renew,
    change: setList,
  }
}

function nothing<T>(): Loaded<T> {
  return { jobs: null, cursor: null }
}

/** A job may move between two pages while they are loaded; it is shown once. */
function append<T extends { id: string }>(before: T[], page: T[]): T[] {
  const known = new Set(before.map(({ id }) => id))
  return [...before, ...page.filter(({ id }) => !known.has(id))]
}

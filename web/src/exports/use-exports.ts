/** The list of exports: pages by cursor, newest first, merged with what is newer than its first page. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import type { Job, JobStatus, JobType, ListedJob, ListQuery } from '../../../client/index.ts'
import { exportal } from '../service.ts'

export interface Filters {
  projectId: number
  status: JobStatus | ''
  type: string
}

export interface Exports {
  /** Null until the first page is there. */
  jobs: (Job | ListedJob)[] | null
  error: unknown
  /** There is more behind the last one. */
  more: boolean
  busy: boolean
  loadMore(): void
  reload(): void
  /** A job as it is now: replaces what is known of it, or stands in front when it is new. */
  put(job: Job): void
  remove(id: string): void
}

const PAGE = 10
/** Coming back to the page asks again when the list is older than this. */
const STALE_MS = 10_000

export function useExports({ projectId, status, type }: Filters): Exports {
  const [jobs, setJobs] = useState<(Job | ListedJob)[] | null>(null)
  const [cursor, setCursor] = useState<string | null>(null)
  const [error, setError] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)
  const loadedAt = useRef(0)
  /** Only the answer to the newest question counts. */
  const asked = useRef<AbortController | null>(null)

  const load = useCallback(
    async (from: string | null) => {
      asked.current?.abort()
      const mine = new AbortController()
      asked.current = mine
      setBusy(true)
      setError(null)
      const query: ListQuery = {
        project_id: projectId,
        limit: PAGE,
        ...(status && { status }),
        // The service says which types there are; the client's list of them may be older.
        ...(type && { type: type as JobType }),
        ...(from !== null && { cursor: from }),
      }
      try {
        const page = await exportal.jobs.list(query, { signal: mine.signal })
        loadedAt.current = Date.now()
        setJobs((before) => (from === null ? page.jobs : append(before ?? [], page.jobs)))
        setCursor(page.next_cursor)
      } catch (reason) {
        if (!mine.signal.aborted) setError(reason)
      } finally {
        if (asked.current === mine) setBusy(false)
      }
    },
    [projectId, status, type],
  )

  useEffect(() => {
    setJobs(null)
    void load(null)
    const back = () => {
      if (!document.hidden && Date.now() - loadedAt.current > STALE_MS) void load(null)
    }
    document.addEventListener('visibilitychange', back)
    addEventListener('online', back)
    return () => {
      asked.current?.abort()
      document.removeEventListener('visibilitychange', back)
      removeEventListener('online', back)
    }
  }, [load])

  const put = useCallback((job: Job) => setJobs((before) => placed(before ?? [], job)), [])
  const remove = useCallback(
    (id: string) => setJobs((before) => (before ?? []).filter((job) => job.id !== id)),
    [],
  )
  return {
    jobs,
    error,
    more: cursor !== null,
    busy,
    loadMore: () => void load(cursor),
    reload: () => void load(null),
    put,
    remove,
  }
}

/** A job may move between two pages while they are read; it is shown once. */
function append(before: (Job | ListedJob)[], page: ListedJob[]): (Job | ListedJob)[] {
  const known = new Set(before.map(({ id }) => id))
  return [...before, ...page.filter(({ id }) => !known.has(id))]
}

function placed(before: (Job | ListedJob)[], job: Job): (Job | ListedJob)[] {
  const known = before.some(({ id }) => id === job.id)
  return known ? before.map((each) => (each.id === job.id ? job : each)) : [job, ...before]
}

/** The list of exports, newest first, merged with what is newer than its first page. */
import { useCallback, useEffect } from 'preact/hooks'
import type { Job, JobStatus, JobType, ListQuery } from '../../../client/index.ts'
import { exportal } from '../service.ts'
import { type AnyJob, type Pages, usePages } from '../ui/use-pages.ts'

export interface Filters {
  projectId: number
  status: JobStatus | ''
  type: string
}

export interface Exports extends Pages {
  /** A job as it is now: replaces what is known of it, or stands in front when it is new. */
  put(job: Job): void
  remove(id: string): void
}

const PAGE = 10
/** Coming back to the page asks again when the list is older than this. */
const STALE = { mostPages: Number.POSITIVE_INFINITY, olderThanMs: 10_000 }

export function useExports({ projectId, status, type }: Filters): Exports {
  const ask = useCallback(
    (cursor: string | null, signal: AbortSignal) => {
      const query: ListQuery = {
        project_id: projectId,
        limit: PAGE,
        ...(status && { status }),
        // The service says which types there are; the client's list of them may be older.
        ...(type && { type: type as JobType }),
        ...(cursor !== null && { cursor }),
      }
      return exportal.jobs.list(query, { signal })
    },
    [projectId, status, type],
  )
  const { renew, change, ...pages } = usePages(ask)

  useEffect(() => {
    const back = () => renew(STALE)
    document.addEventListener('visibilitychange', back)
    addEventListener('online', back)
    return () => {
      document.removeEventListener('visibilitychange', back)
      removeEventListener('online', back)
    }
  }, [renew])

  const put = useCallback((job: Job) => change((before) => placed(before ?? [], job)), [change])
  const remove = useCallback(
    (id: string) => change((before) => (before ?? []).filter((job) => job.id !== id)),
    [change],
  )
  return { ...pages, put, remove }
}

function placed(before: AnyJob[], job: Job): AnyJob[] {
  const known = before.some(({ id }) => id === job.id)
  return known ? before.map((each) => (each.id === job.id ? job : each)) : [job, ...before]
}

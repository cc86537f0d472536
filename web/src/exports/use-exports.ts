/**
 * The list of exports, newest first. It is loaded page by page while scrolling, and kept when its page is left, so that
 * going back restores it. Unfinished jobs are polled together, by one request with an ETag.
 */
import { useCallback, useEffect, useMemo, useRef } from 'preact/hooks'
import { isEnded, type Job, type JobPage, type ListedJob } from '../../../client/index.ts'
import { exportal, readIfNew } from '../service.ts'
import { type Loaded, type Pages, usePages } from '../ui/use-pages.ts'

type AnyJob = Job | ListedJob

export interface Filters {
  projectId: number
  status: string
  type: string
  /** A part of the name. */
  name: string
}

export interface Exports extends Pages<AnyJob> {
  /** Adds the current state of a job: replaces the known one, or is prepended when it is new. */
  put(job: AnyJob): void
  remove(id: string): void
}

const PAGE = 50
const UNFINISHED = ['pending', 'queued', 'processing', 'cancelling']
/** Maximum number of jobs in one request. */
const MOST = 100
const POLL_MS = 3000

/** Never used: a request without an ETag always returns a page. */
const NO_PAGE: JobPage = { jobs: [], next_cursor: null }

/** By filters; only the last list is kept, which is enough for going back. */
const kept = new Map<string, Loaded<AnyJob>>()

export function useExports({ projectId, status, type, name }: Filters): Exports {
  const query = queryOf({ project_id: String(projectId), status, type, name, limit: String(PAGE) })
  const known = useRef(new Map<string, AnyJob>())
  const ask = useCallback(
    async (cursor: string | null, signal: AbortSignal) => {
      const path = `${query}${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`
      const { body } = (await readIfNew<JobPage>(path, null, signal)) ?? { body: NO_PAGE }
      // The list may be behind the jobs themselves, whose later state is known here already.
      return { ...body, jobs: body.jobs.map((job) => newer(job, known.current.get(job.id))) }
    },
    [query],
  )
  const {
    list,
    renew,
    change: changeList,
    ...pages
  } = usePages<AnyJob>(ask, PAGE, () => kept.get(query) ?? { jobs: null, cursor: null })
  const change = useCallback(
    (to: (before: AnyJob[]) => AnyJob[]) =>
      changeList((before) => ({ ...before, jobs: to(before.jobs ?? []) })),
    [changeList],
  )

  known.current = useMemo(() => new Map(list.jobs?.map((job) => [job.id, job])), [list.jobs])
  useEffect(() => {
    if (list.jobs === null) return
    kept.clear()
    kept.set(query, list)
  }, [list, query])

  const put = useCallback(
    (job: AnyJob) =>
      change((before) =>
        before.some(({ id }) => id === job.id)
          ? before.map((each) => (each.id === job.id ? newer(job, each) : each))
          : [job, ...before],
      ),
    [change],
  )
  const remove = useCallback(
    (id: string) => change((before) => before.filter((job) => job.id !== id)),
    [change],
  )
  useUnfinished(pages.jobs ?? [], projectId, put, remove)
  useEffect(() => {
    document.addEventListener('visibilitychange', renew)
    addEventListener('online', renew)
    return () => {
      document.removeEventListener('visibilitychange', renew)
      removeEventListener('online', renew)
    }
  }, [renew])

  return {
    ...pages,
    loadMore: () => {
      if (!pages.busy) pages.loadMore()
    },
    put,
    remove,
  }
}

/** One request for all unfinished jobs; a job that is missing in the answer has ended, and is requested once. */
function useUnfinished(
  jobs: AnyJob[],
  projectId: number,
  put: (job: AnyJob) => void,
  remove: (id: string) => void,
): void {
  const latest = useRef(jobs)
  latest.current = jobs
  const any = jobs.some((job) => !isEnded(job))
  useEffect(() => {
    if (!any) return
    const stop = new AbortController()
    let etag: string | null = null
    const statuses = UNFINISHED.map((each) => `&status=${each}`).join('')
    const look = async () => {
      const path = `/api/jobs?project_id=${projectId}&limit=${MOST}${statuses}`
      const answer = await readIfNew<JobPage>(path, etag, stop.signal)
      if (!answer) return
      etag = answer.etag
      const now = new Map(answer.body.jobs.map((job) => [job.id, job]))
      const oldest = answer.body.jobs.at(-1)?.created_at ?? ''
      for (const job of latest.current) {
        const fresh = now.get(job.id)
        if (fresh && fresh.version > job.version) put(fresh)
        // A full answer contains nothing about older jobs.
        const isAbsent = !fresh && (answer.body.next_cursor === null || job.created_at > oldest)
        if (isAbsent && !isEnded(job)) {
          await exportal.jobs
            .get(job.id, { signal: stop.signal })
            .then(put, (reason: { status?: number }) => {
              if (reason.status === 404) remove(job.id)
            })
        }
      }
    }
    let pending = false
    const timer = setInterval(async () => {
      if (document.hidden || pending) return
      pending = true
      // The next poll follows soon; a permanent error is shown by the user's own actions.
      await look().catch(() => {})
      pending = false
    }, POLL_MS)
    return () => {
      clearInterval(timer)
      stop.abort()
    }
  }, [any, projectId, put, remove])
}

/** The later state; of two equal versions, which may differ in their progress, the one that came last. */
function newer(job: AnyJob, before: AnyJob | undefined): AnyJob {
  return before !== undefined && before.version > job.version ? before : job
}

function queryOf(fields: Record<string, string>): string {
  return `/api/jobs?${new URLSearchParams(Object.entries(fields).filter(([, value]) => value !== ''))}`
}

import { useEffect, useRef, useState } from 'preact/hooks'
import type { Job } from '../../../client/index.ts'
import { setQuery, useLocation } from '../router.tsx'
import { exportal } from '../service.ts'

export interface Rerun {
  /** Whether the export is still being loaded. */
  pending: boolean
  error: unknown
  retry(): void
}

/**
 * Loads the export named by `rerun` in the URL (`rerunPath`) once: the parameter is removed when the studio is filled,
 * so that a reload keeps later changes.
 */
export function useRerun(fill: (job: Job) => void): Rerun {
  const id = useLocation().query.get('rerun')
  const [error, setError] = useState<unknown>(null)
  const [tries, setTries] = useState(0)
  const latest = useRef(fill)
  latest.current = fill
  useEffect(() => {
    setError(null)
    if (id === null) return
    const stop = new AbortController()
    exportal.jobs.get(id, { signal: stop.signal }).then(
      (job) => {
        latest.current(job)
        setQuery('rerun', null)
      },
      (reason: unknown) => {
        if (!stop.signal.aborted) setError(reason)
      },
    )
    return () => stop.abort()
  }, [id, tries])
  return { pending: id !== null && error === null, error, retry: () => setTries(tries + 1) }
}

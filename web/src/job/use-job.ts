/** One job, followed to its end: the client redials, replays and polls; this keeps what the page shows. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import {
  type ConnectionState,
  ExportalError,
  isEnded,
  type Job,
  type JobEvent,
} from '../../../client/index.ts'
import { callAfter } from '../../../client/time.ts'
import { exportal } from '../service.ts'
import { announce } from '../ui/announcer.tsx'
import { statusWord } from '../ui/status.tsx'

export interface FollowedJob {
  job: Job | null
  events: JobEvent[]
  /** Null before the first dial. */
  connection: ConnectionState | null
  /** Why the job cannot be shown, or not be followed any further. */
  error: unknown
  /** Begins again: after an error, and after a command that woke an ended job. */
  follow(): void
}

export function useJob(id: string): FollowedJob {
  const [job, setJob] = useState<Job | null>(null)
  const [events, setEvents] = useState<JobEvent[]>([])
  const [connection, setConnection] = useState<ConnectionState | null>(null)
  const [error, setError] = useState<unknown>(null)
  const [round, setRound] = useState(0)
  const follow = useCallback(() => setRound((before) => before + 1), [])
  /** The last log line shown: a watch that begins again asks for what came after it. */
  const seen = useRef(0)
  const said = useRef<string | null>(null)

  useEffect(() => {
    const stop = new AbortController()
    const { signal } = stop
    setError(null)
    const show = (next: Job) => {
      setJob(next)
      if (said.current !== null && said.current !== next.status)
        announce(`Export: ${statusWord(next.status)}`)
      said.current = next.status
    }
    const fail = (reason: unknown) => {
      if (!signal.aborted) setError(reason)
    }
    const run = async () => {
      const first = await exportal.jobs.get(id, { signal })
      show(first)
      const watch = exportal.jobs.watch(first, {
        signal,
        after: seen.current,
        onSnapshot: show,
        onEvent: (event, now) => {
          seen.current = event.seq
          setEvents((before) => [...before, event])
          if (now) show(now)
        },
        onProgress: (_, now) => setJob(now),
        onState: setConnection,
      })
      show(await watch.done)
      // A log line may be the end's own; the signed address of the result comes with the job itself.
      if (isEnded(first)) return
      show(await exportal.jobs.get(id, { signal }))
    }
    run().catch(fail)
    return () => stop.abort()
  }, [id, round])

  useLooks(job, () => {
    exportal.jobs.get(id).then(setJob, (reason: unknown) => {
      if (reason instanceof ExportalError && reason.status === 404) setError(reason)
    })
  })
  return { job, events, connection, error, follow }
}

/** So much after an instant has passed, what came of it is there. */
const AFTER_MS = 2_000

/**
 * Looks again when nobody tells of a change: when what was to come next is past, and when a page is come back to whose
 * job has ended, which may have been deleted meanwhile. A page that nobody sees looks at nothing.
 */
function useLooks(job: Job | null, look: () => void): void {
  const latest = useRef(look)
  latest.current = look
  const ended = job !== null && isEnded(job)
  const next = job?.next_action?.at ?? null
  useEffect(() => {
    const back = () => {
      if (ended && !document.hidden) latest.current()
    }
    document.addEventListener('visibilitychange', back)
    return () => document.removeEventListener('visibilitychange', back)
  }, [ended])
  useEffect(() => {
    const wait = next === null ? 0 : Date.parse(next) - Date.now() + AFTER_MS
    // To a clock that is ahead all is past, and no look would change that.
    if (!(wait > 0)) return
    return callAfter(wait, () => {
      if (!document.hidden) latest.current()
    })
  }, [next])
}

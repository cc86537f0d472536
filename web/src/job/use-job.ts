/**
 * Watches one job to its end: the client reconnects, replays and polls; this hook holds the state that the page shows.
 */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import {
  type ConnectionState,
  ExportalError,
  isEnded,
  type Job,
  type JobEvent,
} from '../../../client/index.ts'
import { callAfter } from '../../../client/time.ts'
import { serverNow } from '../server-time.ts'
import { exportal } from '../service.ts'
import { announce } from '../ui/announcer.tsx'
import { statusWord } from '../ui/status.tsx'

export interface FollowedJob {
  job: Job | null
  events: JobEvent[]
  /** Null before the first connection. */
  connection: ConnectionState | null
  /** Why the job cannot be shown, or cannot be watched any longer. */
  error: unknown
  /** Starts a new watch: after an error, and after a command that restarted an ended job. */
  follow(): void
}

export function useJob(id: string): FollowedJob {
  const [job, setJob] = useState<Job | null>(null)
  const [events, setEvents] = useState<JobEvent[]>([])
  const [connection, setConnection] = useState<ConnectionState | null>(null)
  const [error, setError] = useState<unknown>(null)
  const [round, setRound] = useState(0)
  const follow = useCallback(() => setRound((before) => before + 1), [])
  /** The last log line received: a new watch resumes after it. */
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
        // The message does not contain the time of the report, which was just now.
        onProgress: (_, now) => setJob({ ...now, last_report_at: new Date(serverNow()).toISOString() }),
        onState: setConnection,
      })
      show(await watch.done)
      // The last log line may arrive before the job's final state, which contains the result's signed URL.
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

/** Delay after an instant until its effects can be read. */
const AFTER_MS = 2_000
const AGAIN_MS = 15_000

/**
 * Polls for changes that no message announces: after the instant of the next action, and when the user returns to the
 * page of an ended job, which may have been deleted meanwhile. A hidden page does not poll.
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
    const wait = next === null ? 0 : Date.parse(next) - serverNow() + AFTER_MS
    // Polling would not change an instant that is in the past.
    if (!(wait > 0)) return
    let stop = callAfter(wait, again)
    // The answer contains the same instant, so it was too early, or there was no answer.
    function again() {
      if (!document.hidden) latest.current()
      stop = callAfter(AGAIN_MS, again)
    }
    return () => stop()
  }, [next])
}

/**
 * Loads and updates the inspection of one job: the newest lines of the log first, older ones in the background; new
 * events arrive over the job's socket, and each of them refreshes the inspection.
 */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { type ConnectionState, isEnded, type Job, type JobEvent } from '../../../../client/index.ts'
import { callAfter } from '../../../../client/time.ts'
import type { InspectedJob } from '../../../../wire/admin.ts'
import { serverNow } from '../../server-time.ts'
import { exportal } from '../../service.ts'
import { inspect } from '../calls.ts'
import { merged } from './log-lines.ts'

/** Events within this time cause one refresh. */
const SETTLE_MS = 150
/** Delay after a clock's instant until its effects can be read. */
const AFTER_MS = 700

export interface Inspection {
  opened: InspectedJob | null
  /** Oldest first, without gaps from the first loaded line. */
  events: JobEvent[]
  /** Whether older lines of the log are still being loaded. */
  filling: boolean
  connection: ConnectionState | null
  error: unknown
  /** Reloads everything, and watches a job that was restarted. */
  refresh(): void
}

export function useInspection(id: string): Inspection {
  const [opened, setOpened] = useState<InspectedJob | null>(null)
  const [events, setEvents] = useState<JobEvent[]>([])
  const [filling, setFilling] = useState(false)
  const [connection, setConnection] = useState<ConnectionState | null>(null)
  const [error, setError] = useState<unknown>(null)
  const [round, setRound] = useState(0)
  const refresh = useCallback(() => setRound((before) => before + 1), [])
  /** The first and last loaded lines of the log. */
  const first = useRef(Number.POSITIVE_INFINITY)
  const last = useRef(0)
  /** Why the last refresh failed; the job may still be watched, and the next refresh succeed. */
  const lookFailure = useRef<unknown>(null)

  useEffect(() => {
    const stop = new AbortController()
    const { signal } = stop
    let settling: ReturnType<typeof setTimeout> | undefined
    let stopAgeing = () => {}
    const fail = (reason: unknown) => {
      if (!signal.aborted) setError(reason)
    }
    const failLook = (reason: unknown) => {
      lookFailure.current = reason
      fail(reason)
    }
    const take = (lines: JobEvent[]) => {
      first.current = Math.min(first.current, lines[0]?.seq ?? first.current)
      last.current = Math.max(last.current, lines.at(-1)?.seq ?? 0)
      setEvents((before) => merged(before, lines))
    }
    const look = async (): Promise<InspectedJob> => {
      const answer = await inspect(id, last.current === 0 ? 'newest' : { after: last.current }, signal)
      setOpened(answer)
      setError((shown: unknown) => (shown === lookFailure.current ? null : shown))
      take(answer.log?.events ?? [])
      stopAgeing()
      const stale = staleAt(answer)
      if (stale !== null) stopAgeing = callAfter(stale - serverNow() + AFTER_MS, lookAgain)
      return answer
    }
    const lookAgain = () => {
      // A hidden page wakes no actor; it refreshes when it becomes visible.
      if (document.hidden) document.addEventListener('visibilitychange', lookAgain, { once: true, signal })
      else void look().catch(failLook)
    }
    const lookSoon = () => {
      clearTimeout(settling)
      settling = setTimeout(() => void look().catch(failLook), SETTLE_MS)
    }
    /** Also continues when it was ended by an error or by a refresh. */
    const fill = async (end: number) => {
      setFilling(first.current > end)
      while (first.current > end) {
        const { log } = await inspect(id, { before: first.current }, signal)
        const lines = log?.events ?? []
        if (lines.length === 0) break
        take(lines)
      }
      setFilling(false)
    }
    const run = async () => {
      setError(null)
      const { actor, job, log } = await look()
      if (log && last.current > 0) void fill(log.first_seq).catch(fail)
      if (!actor || isEnded(job)) return
      const show = (next: Job) => setOpened((before) => before && { ...before, job: next })
      const watch = exportal.jobs.watch(id, {
        signal,
        after: last.current,
        onEvent: (event, next) => {
          take([event])
          if (next) show(next)
          lookSoon()
        },
        onProgress: (_, next) => show(next),
        onState: setConnection,
      })
      await watch.done
      clearTimeout(settling)
      await look()
    }
    run().catch(fail)
    return () => {
      clearTimeout(settling)
      stopAgeing()
      stop.abort()
    }
  }, [id, round])

  return { opened, events, filling, connection, error, refresh }
}

/** When the inspection becomes outdated without an event: at a clock's instant, or when a finding is due. */
function staleAt({ actor }: InspectedJob): number | null {
  if (!actor) return null
  const instants = [...actor.clocks.map(({ at }) => at), actor.findings_until]
  const ahead = instants.flatMap((at) => (at === null ? [] : Date.parse(at))).filter((at) => at > serverNow())
  return ahead.length === 0 ? null : Math.min(...ahead)
}

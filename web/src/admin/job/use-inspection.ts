/**
 * One job opened up, and kept so: the log comes newest first and is filled up behind what is shown; what happens is told
 * by the job's own socket, and each event has the rest of the picture asked for again.
 */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { type ConnectionState, isEnded, type Job, type JobEvent } from '../../../../client/index.ts'
import { callAfter } from '../../../../client/time.ts'
import type { InspectedJob } from '../../../../wire/admin.ts'
import { exportal } from '../../service.ts'
import { inspect } from '../calls.ts'
import { merged } from './log-lines.ts'

/** Several events of one moment are one change. */
const SETTLE_MS = 150
/** So much after a clock has rung, what came of it is there. */
const AFTER_MS = 700

export interface Inspection {
  opened: InspectedJob | null
  /** Oldest first, without gaps from the first that is there. */
  events: JobEvent[]
  /** The log has older lines that have not come yet. */
  filling: boolean
  connection: ConnectionState | null
  error: unknown
  /** Asks for everything again, and follows a job that was started again. */
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
  const last = useRef(0)

  useEffect(() => {
    const stop = new AbortController()
    const { signal } = stop
    let settling: ReturnType<typeof setTimeout> | undefined
    let stopAgeing = () => {}
    const fail = (reason: unknown) => {
      if (!signal.aborted) setError(reason)
    }
    const take = (lines: JobEvent[]) => {
      last.current = Math.max(last.current, lines.at(-1)?.seq ?? 0)
      setEvents((before) => merged(before, lines))
    }
    const look = async (): Promise<InspectedJob> => {
      const answer = await inspect(id, last.current === 0 ? 'newest' : { after: last.current }, signal)
      setOpened(answer)
      take(answer.log?.events ?? [])
      stopAgeing()
      const stale = staleAt(answer)
      if (stale !== null) stopAgeing = callAfter(stale - Date.now() + AFTER_MS, lookAgain)
      return answer
    }
    const lookAgain = () => {
      // A page that nobody looks at wakes no actor; it looks when it is looked at.
      if (document.hidden) document.addEventListener('visibilitychange', lookAgain, { once: true, signal })
      else void look().catch(fail)
    }
    const lookSoon = () => {
      clearTimeout(settling)
      settling = setTimeout(() => void look().catch(fail), SETTLE_MS)
    }
    const fill = async (before: number, first: number) => {
      setFilling(before > first)
      for (let below = before; below > first; ) {
        const { log } = await inspect(id, { before: below }, signal)
        const lines = log?.events ?? []
        take(lines)
        below = lines[0]?.seq ?? first
      }
      setFilling(false)
    }
    const run = async () => {
      setError(null)
      const fresh = last.current === 0
      const { actor, job, log } = await look()
      const oldest = log?.events[0]?.seq
      if (fresh && log && oldest !== undefined) void fill(oldest, log.first_seq).catch(fail)
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

/** When what was answered is out of date by time alone: a clock rings, or a finding comes. */
function staleAt({ actor }: InspectedJob): number | null {
  if (!actor) return null
  const instants = [...actor.clocks.map(({ at }) => at), actor.findings_until]
  const ahead = instants.flatMap((at) => (at === null ? [] : Date.parse(at))).filter((at) => at > Date.now())
  return ahead.length === 0 ? null : Math.min(...ahead)
}

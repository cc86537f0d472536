/** The line of a watch where no WebSocket can be had: long polls, and the log for what happened between them. */
import { eventsAfter, getEvents, pollJob } from './calls.ts'
import { ExportalError } from './errors.ts'
import { onOnline, sleep } from './time.ts'
import type { Job } from './types.ts'
import type { Line } from './watch.ts'

/** The service refuses to hold a request for longer. */
const LONGEST_HOLD_MS = 60_000

/** True once the job has ended; false after `forMs`, when it is time to try a socket. */
export async function poll(line: Line, forMs: number): Promise<boolean> {
  const { http, id, tracker, signal } = line
  const { pollIntervalMs, pollWaitMs } = http.timings
  // Not by the clock of the day, which may be set back by hours meanwhile.
  const now = () => performance.now()
  const until = now() + forMs
  let etag: string | null = null
  let troubles = 0
  line.show('polling')
  tracker.connected()
  do {
    // Also against a server that answers at once, whatever it was asked to wait.
    const nextAt = now() + pollIntervalMs
    let pauseMs = 0
    try {
      tracker.seq ??= await lastSeq(line)
      const answer = await pollJob(
        http,
        id,
        etag,
        Math.min(pollWaitMs, LONGEST_HOLD_MS, until - now()),
        signal,
      )
      troubles = 0
      if (answer) {
        etag = answer.etag
        if (await catchUp(line, answer.job)) return true
      }
    } catch (error) {
      pauseMs = pauseAfter(line, error, ++troubles)
    }
    await sleep(Math.max(pauseMs, nextAt - now()), signal, onOnline)
  } while (now() < until)
  return false
}

/** Fetches the rest of the log of a job that is known to have ended, and tries for as long as trouble may pass. */
export async function complete(line: Line, job: Job): Promise<void> {
  for (let troubles = 1; ; troubles++) {
    try {
      await catchUp(line, job)
      return
    } catch (error) {
      await sleep(pauseAfter(line, error, troubles), line.signal, onOnline)
    }
  }
}

/** A watcher has time, and waits longer than a single request would; but who says months does not mean it. */
const LONGEST_PAUSE_MS = 15 * 60_000

/** @throws the error, where the same question would be answered in the same way */
function pauseAfter({ http }: Line, error: unknown, troubles: number): number {
  // The token may have run out while the answer was held; the next request asks for a fresh one.
  const stale = error instanceof ExportalError && error.status === 401 && http.renews && troubles === 1
  const pauseMs = stale ? 0 : http.pauseAfter(error, troubles, Number.POSITIVE_INFINITY)
  if (pauseMs === null) throw error
  return Math.min(pauseMs, LONGEST_PAUSE_MS)
}

/** Says what a socket would have said: the missed lines, then the job. True when that has ended. */
async function catchUp(line: Line, job: Job): Promise<boolean> {
  const from = line.tracker.seq ?? 0
  const events = await eventsAfter(line.http, line.id, from, line.signal)
  const to = events.at(-1)?.seq ?? from
  // The next line is no longer kept.
  const reset = (events[0]?.seq ?? 0) > from + 1
  line.accept({ type: 'replay', from, to, events })
  return line.accept({ type: 'snapshot', seq: to, job, ...(reset && { reset }) }) === 'ended'
}

async function lastSeq({ http, id, signal }: Line): Promise<number> {
  const page = await getEvents(http, id, { after: 0, limit: 1, signal })
  return page.last_seq ?? (await eventsAfter(http, id, 0, signal)).at(-1)?.seq ?? 0
}

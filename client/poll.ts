/** The transport of a watch without a WebSocket: long polls, and the log for the lines between them. */
import { eventsAfter, getEvents, pollJob } from './calls.ts'
import { ExportalError } from './errors.ts'
import { onOnline, sleep } from './time.ts'
import type { Job } from './types.ts'
import type { Line } from './watch.ts'

/** The service refuses to hold a request longer than this. */
const LONGEST_HOLD_MS = 60_000

/** True when the job has ended; false after `forMs`, when a socket should be tried again. */
export async function poll(line: Line, forMs: number): Promise<boolean> {
  const { http, id, tracker, signal } = line
  const { pollIntervalMs, pollWaitMs } = http.timings
  // Monotonic: the system clock may be set back meanwhile.
  const now = () => performance.now()
  const until = now() + forMs
  let etag: string | null = null
  let troubles = 0
  line.show('polling')
  tracker.connected()
  do {
    // Applies even when the server answers at once in spite of the requested wait.
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

/** Fetches the rest of the log of an ended job, and repeats while errors may be temporary. */
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

/** A watcher may wait longer than a single request, but not arbitrarily long. */
const LONGEST_PAUSE_MS = 15 * 60_000

/** @throws the error when a repeat would fail in the same way */
function pauseAfter({ http }: Line, error: unknown, troubles: number): number {
  // The token may have expired while the answer was held; the next request uses a new one.
  const stale = error instanceof ExportalError && error.status === 401 && http.renews && troubles === 1
  const pauseMs = stale ? 0 : http.pauseAfter(error, troubles, Number.POSITIVE_INFINITY)
  if (pauseMs === null) throw error
  return Math.min(pauseMs, LONGEST_PAUSE_MS)
}

/** Emits what a socket would have sent: the missed lines, then the job. True when the job has ended. */
async function catchUp(line: Line, job: Job): Promise<boolean> {
  const from = line.tracker.seq ?? 0
  const events = await eventsAfter(line.http, line.id, from, line.signal)
  const to = events.at(-1)?.seq ?? from
  // The line after the last known one was removed from the log.
  const reset = (events[0]?.seq ?? 0) > from + 1
  line.accept({ type: 'replay', from, to, events })
  return line.accept({ type: 'snapshot', seq: to, job, ...(reset && { reset }) }) === 'ended'
}

async function lastSeq({ http, id, signal }: Line): Promise<number> {
  const page = await getEvents(http, id, { after: 0, limit: 1, signal })
  return page.last_seq ?? (await eventsAfter(http, id, 0, signal)).at(-1)?.seq ?? 0
}

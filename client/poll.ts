/** The line of a watch where no WebSocket can be had: long polls, and the log for what happened between them. */
import { eventsAfter, getEvents, pollJob } from './calls.ts'
import { onOnline, sleep } from './time.ts'
import type { Job } from './types.ts'
import type { Line } from './watch.ts'

/** True once the job has ended; false after `forMs`, when it is time to try a socket. */
export async function poll(line: Line, forMs: number): Promise<boolean> {
  const { http, id, tracker, signal } = line
  const { pollIntervalMs, pollWaitMs } = http.timings
  const until = Date.now() + forMs
  let etag: string | null = null
  let troubles = 0
  line.show('polling')
  tracker.connected()
  do {
    // Also against a server that answers at once, whatever it was asked to wait.
    const nextAt = Date.now() + pollIntervalMs
    let pauseMs: number | null = 0
    try {
      tracker.seq ??= await lastSeq(line)
      const answer = await pollJob(http, id, etag, Math.min(pollWaitMs, until - Date.now()), signal)
      troubles = 0
      if (answer) {
        etag = answer.etag
        if (await catchUp(line, answer.job)) return true
      }
    } catch (error) {
      // A watcher has time: however long it is told to wait, it waits.
      pauseMs = http.pauseAfter(error, ++troubles, Number.POSITIVE_INFINITY)
      if (pauseMs === null) throw error
    }
    await sleep(Math.max(pauseMs, nextAt - Date.now()), signal, onOnline)
  } while (Date.now() < until)
  return false
}

/** Says what a socket would have said: the missed lines, then the job. True when that has ended. */
export async function catchUp(line: Line, job: Job): Promise<boolean> {
  const from = line.tracker.seq ?? 0
  const events = await eventsAfter(line.http, line.id, from, line.signal)
  const to = events.at(-1)?.seq ?? from
  // The next line is no longer kept.
  const reset = (events[0]?.seq ?? 0) > from + 1
  line.accept({ type: 'replay', from, to, events })
  return line.accept({ type: 'snapshot', seq: to, job, reset }) === 'ended'
}

async function lastSeq({ http, id, signal }: Line): Promise<number> {
  const page = await getEvents(http, id, { after: 0, limit: 1, signal })
  return page.last_seq ?? (await eventsAfter(http, id, 0, signal)).at(-1)?.seq ?? 0
}

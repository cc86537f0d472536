/**
 * Waits for a job to change, for `GET /api/jobs/:id?wait=N` with If-None-Match. The wait uses a watcher's WebSocket, so
 * that neither polling nor a timer in the actor is needed, and the actor may sleep meanwhile.
 */
import { etagOf } from '../../actors/shared/entity-tag.ts'
import type { ProgressMessage } from '../../wire/socket.ts'
import type { ScopedCall } from '../http/exchange.ts'
import { shownJob } from '../jobs/job-id.ts'
import { openFeed } from './feed.ts'

/** Minimum delay of an answer that contains nothing but new progress, in milliseconds. */
const PROGRESS_PAUSE_MS = 1_000

/** The state that the client has, identified by its If-None-Match. */
export interface Known {
  etag: string
  seq: number
}

export interface Change {
  text: string
  etag: string
}

/**
 * Returns the job as soon as its body differs from `known`: at once for a committed change, after a pause for progress
 * alone, so that a client that polls continuously gets an answer about once a second.
 *
 * @returns null when `waitMs` passed without a change, the client disconnected, or its token expired
 * @throws Problem 404 when the job is deleted meanwhile, 503 when its actor cannot be reached
 */
export async function changedJob(
  call: ScopedCall,
  id: string,
  known: Known,
  waitMs: number,
): Promise<Change | null> {
  const feed = await openFeed(call, id, known.seq)
  if (!feed) return readAgain(call, id, known)
  let early = true
  let held: ProgressMessage | null = null
  const pause = setTimeout(() => {
    early = false
    if (held) feed.putBack(held)
  }, PROGRESS_PAUSE_MS)
  const limit = setTimeout(() => feed.close(), waitMs)
  try {
    for (let message = await feed.next(); message; message = await feed.next()) {
      if (message.type === 'replay') continue
      if (message.type === 'progress' && early) {
        held = message
        continue
      }
      // A progress message does not contain all changes of a report, and a job that is being deleted is not shown.
      const change =
        message.type === 'progress' || message.job === null
          ? await readAgain(call, id, known)
          : changeOf(JSON.stringify(message.job), known)
      if (change) return change
    }
    return feed.end === 'left' || feed.end === 'expired' ? null : await readAgain(call, id, known)
  } finally {
    clearTimeout(pause)
    clearTimeout(limit)
    feed.close()
  }
}

async function readAgain(call: ScopedCall, id: string, known: Known): Promise<Change | null> {
  const { text, etag } = await shownJob(call, id)
  return etag === known.etag ? null : { text, etag }
}

function changeOf(text: string, known: Known): Change | null {
  const etag = etagOf(text)
  return etag === known.etag ? null : { text, etag }
}

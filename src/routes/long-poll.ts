/**
 * Waiting for a job to change, for `GET /api/jobs/:id?wait=N` with If-None-Match. The wait hangs on a watcher's
 * WebSocket, so that neither a poll nor a timer in the actor is needed, and the actor may sleep through it.
 */
import { etagOf } from '../../actors/entity-tag.ts'
import type { ProgressMessage } from '../../wire/socket.ts'
import { openFeed } from '../actor-feed.ts'
import type { ScopedCall } from '../http.ts'
import { shownJob } from './shown-job.ts'

/** An answer that tells of nothing but progress comes no sooner than this after the question, in milliseconds. */
const PROGRESS_PAUSE_MS = 1_000

/** What the client knows, by its If-None-Match. */
export interface Known {
  etag: string
  seq: number
}

export interface Change {
  text: string
  etag: string
}

/**
 * The job as soon as its body differs from what is `known`: at once for anything that was committed, after a pause
 * for progress alone, so that a client that asks again and again is answered about once a second.
 *
 * @returns null when `waitMs` passed without a change, the client went away, or its token died
 * @throws Problem 404 when the job is deleted meanwhile, 503 when its actor cannot be reached
 */
export async function changedJob(
  call: ScopedCall,
  id: string,
  known: Known,
  waitMs: number,
): Promise<Change | null> {
  const feed = await openFeed(call, id, known.seq)
  if (!feed) return lookAgain(call, known)
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
      // Progress alone does not say all that a report changed, and of a job being deleted nothing is shown.
      const change =
        message.type === 'progress' || message.job === null
          ? await lookAgain(call, known)
          : changeOf(JSON.stringify(message.job), known)
      if (change) return change
    }
    return feed.end === 'left' || feed.end === 'expired' ? null : await lookAgain(call, known)
  } finally {
    clearTimeout(pause)
    clearTimeout(limit)
    feed.close()
  }
}

async function lookAgain(call: ScopedCall, known: Known): Promise<Change | null> {
  const { text, etag } = await shownJob(call)
  return etag === known.etag ? null : { text, etag }
}

function changeOf(text: string, known: Known): Change | null {
  const etag = etagOf(text)
  return etag === known.etag ? null : { text, etag }
}

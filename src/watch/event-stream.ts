/**
 * GET /api/jobs/:id/events with `Accept: text/event-stream`: the messages of a watcher's WebSocket as server-sent events.
 *
 * - `id` is the number of the last log line sent, `event` is `event`, `snapshot`, `progress` or `end`, and `data` is
 *   the JSON of the message, as on the WebSocket. Replayed lines are `event`s without `job`; the snapshot follows.
 * - A client that reconnects sends Last-Event-ID and receives what it missed; `?after=N` does the same for a first
 *   connection. For a number that is not in the log it receives a snapshot with `reset: true`.
 * - The message of the last event contains `end: true`. It is followed by `end`, with the job's final status, and the
 *   stream closes. When a client reconnects nevertheless, as EventSource does, a 204 makes it stop. A stream that
 *   closes without `end` was interrupted and should be resumed.
 * - A stream ends without `end` when the token that opened it expires; reconnecting is then answered 401.
 */
import type { EventJson } from '../../wire/events.ts'
import type { ReplayMessage, ServerMessage, SnapshotMessage } from '../../wire/socket.ts'
import { refusedToken } from '../auth/caller.ts'
import type { ScopedCall } from '../http/exchange.ts'
import { parseQuery } from '../http/parse-query.ts'
import { invalid, unavailable } from '../http/problem.ts'
import { eventBody, type Frame, frameText, retryText } from '../http/sse.ts'
import { callersJobId, retiredRow, shownJob } from '../jobs/job-id.ts'
import { archivedView } from '../jobs/view.ts'
import { type ActorFeed, openFeed } from './feed.ts'
import { WatchQuery } from './schemas.ts'

const HEARTBEAT_MS = 15_000
const RECONNECT_MS = 2_000
const HEADERS = {
  'Content-Type': 'text/event-stream',
  // A proxy that compresses buffers its output: no byte would arrive before the job ends.
  'Cache-Control': 'no-store, no-transform',
  // Disables buffering in proxies that would collect a response before they pass it on.
  'X-Accel-Buffering': 'no',
  Vary: 'Accept',
}

/** 200 with the stream, or 204 when a reconnecting client has received everything. HEAD opens no stream. */
export async function streamEvents(call: ScopedCall): Promise<Response> {
  const { after, again } = resumeFrom(call)
  const id = callersJobId(call)
  if (call.request.method === 'HEAD') return headOnly(call, id)
  const feed = await openFeed(call, id, after)
  if (!feed) return retired(call, id, after, again)
  const { replay, snapshot } = await opening(feed)
  if (again && snapshot.job.finished_at !== null && snapshot.seq === after) {
    feed.close()
    return nothingMore()
  }
  return new Response(
    eventBody(texts(feed, replay, snapshot), () => feed.close(), HEARTBEAT_MS),
    { headers: HEADERS },
  )
}

/**
 * The last number received. Last-Event-ID takes precedence over `after`: a client that reconnects repeats its first
 * URL.
 *
 * @throws Problem 400 when it is no number
 */
function resumeFrom({ request, url }: ScopedCall): { after: number | null; again: boolean } {
  const { after = null } = parseQuery(WatchQuery, url.searchParams)
  const header = request.headers.get('Last-Event-ID') || null
  const last = Number(header)
  if (header !== null && !(/^\d+$/.test(header) && Number.isSafeInteger(last))) {
    const detail = 'This must be an id that the stream gave out.'
    throw invalid([{ pointer: '/header/Last-Event-ID', detail }])
  }
  return header === null ? { after, again: false } : { after: last, again: true }
}

/** The headers of GET; the job is read but not watched. */
async function headOnly(call: ScopedCall, id: string): Promise<Response> {
  await shownJob(call, id)
  return new Response(null, { headers: HEADERS })
}

/**
 * The actor's first messages, read before the response begins, so that a refusal can still set a status.
 *
 * @throws Problem 503
 */
async function opening(
  feed: ActorFeed,
): Promise<{ replay: ReplayMessage | null; snapshot: SnapshotMessage }> {
  let replay: ReplayMessage | null = null
  for (let message = await feed.next(); message; message = await feed.next()) {
    if (message.type === 'snapshot') return { replay, snapshot: message }
    if (message.type === 'replay') replay = message
  }
  if (feed.end === 'expired') throw refusedToken('token_expired')
  throw unavailable('job_unavailable', 'The job could not be watched; try again shortly.')
}

async function* texts(
  feed: ActorFeed,
  replay: ReplayMessage | null,
  snapshot: SnapshotMessage,
): AsyncGenerator<string, void, undefined> {
  const missed = (replay?.events ?? []).map((event) => frameText(replayed(event)))
  yield [retryText(RECONNECT_MS), ...missed, frameText(frameOf(snapshot))].join('')
  let { seq } = snapshot
  let status: string | null = snapshot.job.status
  for (let message = await feed.next(); message; message = await feed.next()) {
    // The actor replays nothing after its snapshot.
    if (message.type === 'replay') continue
    yield frameText(frameOf(message))
    seq = message.seq
    if (message.type === 'event') status = message.job?.status ?? null
  }
  if (feed.end === 'ended') yield frameText(endFrame(seq, status))
}

function replayed(event: EventJson): Frame {
  return { id: event.seq, event: 'event', data: JSON.stringify({ type: 'event', seq: event.seq, event }) }
}

function frameOf(message: Exclude<ServerMessage, ReplayMessage>): Frame {
  return { id: message.seq, event: message.type, data: JSON.stringify(message) }
}

/** @param status null when the job was deleted */
function endFrame(seq: number, status: string | null): Frame {
  return { id: seq, event: 'end', data: JSON.stringify({ type: 'end', seq, status }) }
}

/** The single snapshot, with number 0, of a job whose actor and log were retired. @throws Problem 404 */
async function retired(
  call: ScopedCall,
  id: string,
  after: number | null,
  again: boolean,
): Promise<Response> {
  const row = await retiredRow(call, id)
  if (again && after === 0) return nothingMore()
  const reset = after !== null && after !== 0
  const marks = { ...(reset && { reset }), end: true } as const
  const snapshot: SnapshotMessage = { type: 'snapshot', seq: 0, job: archivedView(row), ...marks }
  const frames = [{ id: 0, event: 'snapshot', data: JSON.stringify(snapshot) }, endFrame(0, row.status)]
  return new Response([retryText(RECONNECT_MS), ...frames.map(frameText)].join(''), { headers: HEADERS })
}

/** A 204 makes an EventSource stop reconnecting (HTML standard). */
function nothingMore(): Response {
  return new Response(null, { status: 204, headers: { 'Cache-Control': 'no-store', Vary: 'Accept' } })
}

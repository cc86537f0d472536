/**
 * GET /api/jobs/:id/events with `Accept: text/event-stream`: what a watcher's WebSocket says, as server-sent events.
 *
 * - `id` is the number of the last log line told, `event` is `event`, `snapshot`, `progress` or `end`, and `data` is
 *   the JSON of the message, as on the WebSocket. Replayed lines are `event`s without `job`; the snapshot follows.
 * - A client that reconnects sends Last-Event-ID and is told what it missed; `?after=N` does the same for a first
 *   connection. A number that the log does not hold is answered by a snapshot with `reset: true`.
 * - The message of the last event says `end: true`. After it comes `end`, with the status that the job ended in, and
 *   the stream closes. A client that connects again nevertheless, as EventSource does, is answered 204, which tells it
 *   to stop. A stream that closes without `end` was interrupted and should be resumed.
 * - A stream ends with the token that opened it, without `end`: who connects again is answered 401.
 */
import type { EventJson } from '../../wire/events.ts'
import type { ReplayMessage, ServerMessage, SnapshotMessage } from '../../wire/socket.ts'
import { type ActorFeed, openFeed } from '../actor-feed.ts'
import { refusedToken } from '../auth.ts'
import { eventBody, type Frame, frameText, retryText } from '../event-source.ts'
import type { ScopedCall } from '../http.ts'
import { archivedView } from '../job-view.ts'
import { invalid, unavailable } from '../problem.ts'
import { demandQuery } from '../query.ts'
import { WatchQuery } from '../schemas/query.ts'
import { callJob } from '../stubs.ts'
import { reachableJobId, retiredRow } from './job-id.ts'

const HEARTBEAT_MS = 15_000
const RECONNECT_MS = 2_000
const HEADERS = {
  'Content-Type': 'text/event-stream',
  // A proxy that compresses collects what it passes on: not a byte would arrive before the job ends.
  'Cache-Control': 'no-store, no-transform',
  // Proxies that would otherwise collect a response before they pass it on.
  'X-Accel-Buffering': 'no',
  Vary: 'Accept',
}

/** 200 with the stream, or 204 when the client that comes back has seen it all. HEAD opens no stream. */
export async function streamEvents(call: ScopedCall): Promise<Response> {
  const { after, again } = resumeFrom(call)
  const id = await reachableJobId(call)
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
 * The last number seen. Last-Event-ID goes before `after`: a client that reconnects repeats the address it began with.
 *
 * @throws Problem 400 for what is no number
 */
function resumeFrom({ request, url }: ScopedCall): { after: number | null; again: boolean } {
  const { after = null } = demandQuery(WatchQuery, url.searchParams)
  const header = request.headers.get('Last-Event-ID') || null
  const last = Number(header)
  if (header !== null && !(/^\d+$/.test(header) && Number.isSafeInteger(last))) {
    const detail = 'This must be an id that the stream gave out.'
    throw invalid([{ pointer: '/header/Last-Event-ID', detail }])
  }
  return header === null ? { after, again: false } : { after: last, again: true }
}

/** What GET would say of itself; the job is looked at, but not watched. */
async function headOnly(call: ScopedCall, id: string): Promise<Response> {
  const view = await callJob(call.env, id, (job) => job.view())
  if (!view.found) await retiredRow(call, id)
  return new Response(null, { headers: HEADERS })
}

/** What the actor says first, so that a refusal can still be told by a status. @throws Problem 503 */
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

/** A job whose actor was retired, and its log with it: one snapshot, numbered 0. @throws Problem 404 */
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

/** The HTML standard's way to make an EventSource stop reconnecting. */
function nothingMore(): Response {
  return new Response(null, { status: 204, headers: { 'Cache-Control': 'no-store', Vary: 'Accept' } })
}

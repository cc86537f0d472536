/** GET /api/jobs/:id/ws: the upgrade is handed to the actor; refusals are told as close codes. */
import { openSocket } from '../actor-feed.ts'
import { isUpgrade, type ScopedCall } from '../http.ts'
import { archivedView } from '../job-view.ts'
import { Problem } from '../problem.ts'
import { demandQuery } from '../query.ts'
import { WatchQuery } from '../schemas/query.ts'
import { reachableJobId, retiredRow } from './job-id.ts'

/** 101, or 426 for a request that is no WebSocket upgrade (RFC 9110, 15.5.22). */
export async function watchJob(call: ScopedCall): Promise<Response> {
  if (!isUpgrade(call.request)) {
    throw new Problem(426, 'upgrade_required', 'This address speaks WebSocket only.', {
      headers: { Upgrade: 'websocket', Connection: 'Upgrade' },
    })
  }
  const { after = null } = demandQuery(WatchQuery, call.url.searchParams)
  const id = await reachableJobId(call)
  const answer = await openSocket(call, id, after)
  if (answer) return answer.response
  const snapshot = { type: 'snapshot', seq: 0, job: archivedView(await retiredRow(call, id)), end: true }
  return closedSocket(1000, 'The job has ended.', JSON.stringify(snapshot))
}

/** What a browser can read of a refusal: it never sees the status of a failed upgrade, only a close code. */
const CLOSE_CODES = new Map([
  [401, 4401],
  [403, 4403],
  [404, 4404],
])

/** "Try Again Later" in the IANA registry of close codes. */
const TRY_AGAIN_LATER = 1013

/** A refused upgrade as a socket that closes at once; null where the HTTP status itself must do. */
export function refusedUpgrade(problem: Problem): Response | null {
  const code = problem.code === 'too_many_watchers' ? TRY_AGAIN_LATER : CLOSE_CODES.get(problem.status)
  return code === undefined ? null : closedSocket(code, problem.message)
}

/** Most bytes of a close reason (RFC 6455, 5.5.1: a control frame has 125, two of which are the code). */
const MOST_REASON_BYTES = 123

/** A reason that is too long ends before the first character that does not fit. */
function closedSocket(code: number, reason: string, message?: string): Response {
  const { read } = new TextEncoder().encodeInto(reason, new Uint8Array(MOST_REASON_BYTES))
  const { 0: client, 1: server } = new WebSocketPair()
  server.accept()
  if (message !== undefined) server.send(message)
  server.close(code, reason.slice(0, read))
  return new Response(null, { status: 101, webSocket: client })
}

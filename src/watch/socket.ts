/** GET /api/jobs/:id/ws: forwards the upgrade to the actor; refusals become close codes. */

import { isUpgrade, type ScopedCall } from '../http/exchange.ts'
import { parseQuery } from '../http/parse-query.ts'
import { Problem } from '../http/problem.ts'
import { callersJobId, retiredRow } from '../jobs/job-id.ts'
import { archivedView } from '../jobs/view.ts'
import { openSocket } from './feed.ts'
import { WatchQuery } from './schemas.ts'

/** @throws Problem 426 for a request that is no WebSocket upgrade (RFC 9110, 15.5.22) */
export function requireUpgrade(request: Request): void {
  if (isUpgrade(request)) return
  throw new Problem(426, 'upgrade_required', 'This address speaks WebSocket only.', {
    headers: { Upgrade: 'websocket', Connection: 'Upgrade' },
  })
}

/** 101. @throws Problem 426 */
export async function watchJob(call: ScopedCall): Promise<Response> {
  requireUpgrade(call.request)
  const { after = null } = parseQuery(WatchQuery, call.url.searchParams)
  const id = callersJobId(call)
  const answer = await openSocket(call, id, after)
  if (answer) return answer.response
  const snapshot = { type: 'snapshot', seq: 0, job: archivedView(await retiredRow(call, id)), end: true }
  return closedSocket(1000, 'The job has ended.', JSON.stringify(snapshot))
}

/** Close codes of refusals: a browser cannot read the status of a failed upgrade, only a close code. */
const CLOSE_CODES = new Map([
  [401, 4401],
  [403, 4403],
  [404, 4404],
])

/** "Try Again Later" in the IANA registry of close codes. */
const TRY_AGAIN_LATER = 1013

/** A refused upgrade as a socket that closes at once; null when the HTTP status must be used. */
export function refusedUpgrade(problem: Problem): Response | null {
  const code = problem.code === 'too_many_watchers' ? TRY_AGAIN_LATER : CLOSE_CODES.get(problem.status)
  return code === undefined ? null : closedSocket(code, problem.message)
}

/** Maximum bytes of a close reason (RFC 6455, 5.5.1: a control frame has 125, two of which are the code). */
const MAX_REASON_BYTES = 123

/** Closes at once. A long reason is cut before the first character that does not fit. */
export function closedSocket(code: number, reason: string, message?: string): Response {
  const { read } = new TextEncoder().encodeInto(reason, new Uint8Array(MAX_REASON_BYTES))
  const { 0: client, 1: server } = new WebSocketPair()
  server.accept()
  if (message !== undefined) server.send(message)
  server.close(code, reason.slice(0, read))
  return new Response(null, { status: 101, webSocket: client })
}

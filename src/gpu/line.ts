/**
 * GET /api/jobs/:id/do/ws: the WebSocket ("line") of a GPU worker to its job's actor. The callback token is checked
 * before the actor is woken; after the upgrade all messages go to the actor. Refusals become close codes.
 */
import { LINE_HEADER, LINE_PROTOCOL } from '../../actors/export-job/worker-line.ts'
import type { LineAnswer } from '../../wire/worker-line.ts'
import type { Call } from '../http/exchange.ts'
import { unavailable } from '../http/problem.ts'
import { jobIdOf } from '../jobs/job-id.ts'
import { callJob } from '../stubs.ts'
import { closedSocket, requireUpgrade } from '../watch/socket.ts'
import { attemptOf } from './reports.ts'

const GONE: LineAnswer = { type: 'stop', reason: 'gone' }

/**
 * 101.
 *
 * @throws Problem 401 without a token, 426 for a request that is no upgrade, 503 when the actor cannot be reached
 */
export async function openLine(call: Call): Promise<Response> {
  requireUpgrade(call.request)
  const id = jobIdOf(call)
  const { ref, expiresAt } = attemptOf(call, id)
  const { round, attempt } = ref
  const url = `https://job/line?round=${round}&attempt=${attempt}&until=${expiresAt}`
  const answer = await callJob(call.env, id, (job) => job.fetch(url, { headers: { Upgrade: 'websocket' } }))
  const { status, webSocket, headers } = answer
  if (status === 404) return closedSocket(4404, 'There is no such job.', JSON.stringify(GONE))
  const taken = headers.get(LINE_HEADER)
  // An actor of an earlier version treats every socket as a watcher's.
  if (!webSocket || !taken)
    throw unavailable('job_unavailable', 'The job could not be reached; try again shortly.')
  if (taken === 'back') call.notes.quiet = true
  return new Response(null, { status: 101, webSocket, headers: protocolOf(call.request) })
}

/** Selects the subprotocol if the client offered it (RFC 6455, 4.2.2). */
function protocolOf({ headers }: Request): Record<string, string> {
  const offered = headers.get('Sec-WebSocket-Protocol')?.split(',') ?? []
  const isOffered = offered.some((each) => each.trim() === LINE_PROTOCOL)
  return isOffered ? { 'Sec-WebSocket-Protocol': LINE_PROTOCOL } : {}
}

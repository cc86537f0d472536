/** GET /api/jobs/:id/events: a page of the job's log or, for a client that accepts one, an event stream. */

import { type Asked, jsonText, type ScopedCall } from '../http/exchange.ts'
import { parseQuery } from '../http/parse-query.ts'
import { Problem } from '../http/problem.ts'
import { wantsEventStream } from '../http/sse.ts'
import { askOf, callersJobId, retiredRow } from '../jobs/job-id.ts'
import { callJob } from '../stubs.ts'
import { streamEvents } from './event-stream.ts'
import { EventsQuery } from './schemas.ts'

const STANDARD_LIMIT = 100
const MAX_LIMIT = 1000

/** `{events, next_after, first_seq, last_seq}`, oldest first; `?after=next_after` requests the next page. */
export async function readEvents(call: ScopedCall): Promise<Response> {
  if (wantsEventStream(call.request)) return streamEvents(call)
  return jsonText(await eventPage(call, call.url.searchParams), 200, { Vary: 'Accept' })
}

/** A page of the log as JSON. @throws Problem 404, or 410 for a retired job */
export async function eventPage(call: Asked, query: URLSearchParams): Promise<string> {
  const { after = 0, limit = STANDARD_LIMIT } = parseQuery(EventsQuery, query)
  const id = callersJobId(call)
  const answer = await callJob(call.env, id, (job) =>
    job.events({ after, limit: Math.min(limit, MAX_LIMIT) }, askOf(call)),
  )
  if (!answer.found) {
    await retiredRow(call, id)
    throw new Problem(410, 'events_gone', 'This job was retired; its event log is gone.')
  }
  const figures = {
    next_after: answer.next ?? formerNext(answer.events) ?? after,
    first_seq: answer.firstSeq,
    last_seq: answer.lastSeq,
  }
  return `{"events":${answer.events},${JSON.stringify(figures).slice(1)}`
}

function formerNext(events: string): number | undefined {
  const lines: { seq: number }[] = JSON.parse(events)
  return lines.at(-1)?.seq
}

/** GET /api/jobs/:id/events: a page of the job's log, or for a client that asks for one, a stream of events. */
import { wantsEventStream } from '../event-source.ts'
import { jsonText, type ScopedCall } from '../http.ts'
import { Problem } from '../problem.ts'
import { demandQuery } from '../query.ts'
import { EventsQuery } from '../schemas/query.ts'
import { callJob } from '../stubs.ts'
import { streamEvents } from './event-stream.ts'
import { reachableJobId, retiredRow } from './job-id.ts'

const STANDARD_LIMIT = 100
const MOST_LIMIT = 1000

/** `{events, next_after, first_seq, last_seq}`, oldest first; go on with `?after=next_after`. */
export async function readEvents(call: ScopedCall): Promise<Response> {
  if (wantsEventStream(call.request)) return streamEvents(call)
  const { after = 0, limit = STANDARD_LIMIT } = demandQuery(EventsQuery, call.url.searchParams)
  const id = await reachableJobId(call)
  const answer = await callJob(call.env, id, (job) => job.events(after, Math.min(limit, MOST_LIMIT)))
  if (!answer.found) {
    await retiredRow(call, id)
    throw new Problem(410, 'events_gone', 'This job was retired; its event log is gone.')
  }
  const events: { seq: number }[] = JSON.parse(answer.events)
  const figures = {
    next_after: events.at(-1)?.seq ?? after,
    first_seq: answer.firstSeq,
    last_seq: answer.lastSeq,
  }
  return jsonText(`{"events":${answer.events},${JSON.stringify(figures).slice(1)}`, 200, { Vary: 'Accept' })
}

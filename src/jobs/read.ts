/**
 * GET /api/jobs/:id: the live job from its actor, or a retired one from its row. With `?wait=N` and an If-None-Match
 * that still matches, the answer is delayed until the job changes, at most N seconds. In every other case it is sent at
 * once: without a tag there is no known state to change, a tag that no longer matches is a change, an ended job changes
 * by command only, and HEAD never waits.
 */
import { noneMatches } from '../http/conditional.ts'
import { jsonText, type ScopedCall } from '../http/exchange.ts'
import { parseQuery } from '../http/parse-query.ts'
import { changedJob } from '../watch/long-poll.ts'
import { jobIdOf, shownJob } from './job-id.ts'
import { JobQuery } from './schemas.ts'

/** 200 with the job, or 304. @throws Problem 400 for a wait that is no integer from 1 to 60 */
export async function readJob(call: ScopedCall): Promise<Response> {
  const { wait = null } = parseQuery(JobQuery, call.url.searchParams)
  const id = jobIdOf(call)
  const shown = await shownJob(call, id)
  const condition = call.request.headers.get('If-None-Match')
  if (condition === null || noneMatches(condition, shown.etag)) return jobAnswer(shown)
  const known = { etag: shown.etag, seq: shown.seq ?? 0 }
  const waits = wait !== null && call.request.method !== 'HEAD' && !shown.ended
  const change = waits ? await changedJob(call, id, known, wait * 1000) : null
  return change ? jobAnswer(change) : new Response(null, { status: 304, headers: headersOf(shown.etag) })
}

function jobAnswer({ text, etag }: { text: string; etag: string }): Response {
  return jsonText(text, 200, headersOf(etag))
}

function headersOf(etag: string): Record<string, string> {
  return { ETag: etag, 'Cache-Control': 'private, no-store' }
}

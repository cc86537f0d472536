/**
 * GET /api/jobs/:id: the live job from its actor, or a retired one from its row. With `?wait=N` and an If-None-Match
 * that still holds, the answer waits up to N seconds for the job to change; in every other case it comes at once:
 * without a tag there is nothing to wait for a change of, a tag that no longer holds is a change, an ended job changes
 * by command only, and HEAD never waits.
 */
import { noneMatches } from '../conditional.ts'
import { jsonText, type ScopedCall } from '../http.ts'
import { peek } from '../job-view.ts'
import { demandQuery } from '../query.ts'
import { JobQuery } from '../schemas/query.ts'
import { jobIdOf } from './job-id.ts'
import { changedJob } from './long-poll.ts'
import { type ShownJob, shownJob } from './shown-job.ts'

/** 200 with the job, or 304. @throws Problem 400 for a wait that is no whole number from 1 to 60 */
export async function readJob(call: ScopedCall): Promise<Response> {
  const { wait = null } = demandQuery(JobQuery, call.url.searchParams)
  const shown = await shownJob(call)
  const condition = call.request.headers.get('If-None-Match')
  if (condition === null || noneMatches(condition, shown.etag)) return jobAnswer(shown)
  const known = { etag: shown.etag, seq: shown.live?.seq ?? 0 }
  const waits = wait !== null && call.request.method !== 'HEAD' && !hasEnded(shown)
  const change = waits ? await changedJob(call, jobIdOf(call), known, wait * 1000) : null
  return change ? jobAnswer(change) : new Response(null, { status: 304, headers: headersOf(shown.etag) })
}

function hasEnded({ live, text }: ShownJob): boolean {
  return live === null || peek(text).finished_at !== null
}

function jobAnswer({ text, etag }: { text: string; etag: string }): Response {
  return jsonText(text, 200, headersOf(etag))
}

function headersOf(etag: string): Record<string, string> {
  return { ETag: etag, 'Cache-Control': 'private, no-store' }
}

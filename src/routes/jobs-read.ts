/**
 * GET /api/jobs/:id: the live job from its actor, or a retired one from its row. With `?wait=N` and an If-None-Match
 * that still holds, the answer waits up to N seconds for the job to change; in every other case it comes at once:
 * without a tag there is nothing to wait for a change of, a tag that no longer holds is a change, an ended job changes
 * by command only, and HEAD never waits.
 */
import { noneMatches } from '../conditional.ts'
import { jsonText, type ScopedCall } from '../http.ts'
import { peek } from '../job-view.ts'
import { type FieldError, invalid } from '../problem.ts'
import { wholeNumber } from '../query.ts'
import { jobIdOf } from './job-id.ts'
import { changedJob } from './long-poll.ts'
import { type ShownJob, shownJob } from './shown-job.ts'

const LONGEST_WAIT_SECONDS = 60

/** 200 with the job, or 304. @throws Problem 400 for a wait that is no whole number from 1 to 60 */
export async function readJob(call: ScopedCall): Promise<Response> {
  const waitMs = waitOf(call)
  const shown = await shownJob(call)
  const condition = call.request.headers.get('If-None-Match')
  if (condition === null || noneMatches(condition, shown.etag)) return jobAnswer(shown)
  const known = { etag: shown.etag, seq: shown.live?.seq ?? 0 }
  const waits = waitMs !== null && call.request.method !== 'HEAD' && !hasEnded(shown)
  const change = waits ? await changedJob(call, jobIdOf(call), known, waitMs) : null
  return change ? jobAnswer(change) : new Response(null, { status: 304, headers: headersOf(shown.etag) })
}

function waitOf({ url }: ScopedCall): number | null {
  const errors: FieldError[] = []
  const seconds = wholeNumber(url.searchParams, 'wait', 1, errors)
  if (seconds !== null && seconds > LONGEST_WAIT_SECONDS) {
    const detail = `This must be ${LONGEST_WAIT_SECONDS} seconds at most.`
    errors.push({ pointer: '/query/wait', detail })
  }
  if (errors.length > 0) throw invalid(errors)
  return seconds === null ? null : seconds * 1000
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

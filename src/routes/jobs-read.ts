/** GET /api/jobs/:id: the live job from its actor, or a retired one from its row. */
import { requireProject } from '../auth.ts'
import { noneMatches } from '../conditional.ts'
import { jsonText, type ScopedCall } from '../http.ts'
import { sha256Hex } from '../ids.ts'
import { archivedView, peek } from '../job-view.ts'
import { jobNotFound } from '../problem.ts'
import { callJob } from '../stubs.ts'
import { jobIdOf, retiredRow } from './job-id.ts'

export async function readJob(call: ScopedCall): Promise<Response> {
  const text = await jobText(call)
  const etag = await etagOf(text)
  const condition = call.request.headers.get('If-None-Match')
  const headers = { ETag: etag, 'Cache-Control': 'private, no-store' }
  if (condition !== null && !noneMatches(condition, etag)) return new Response(null, { status: 304, headers })
  return jsonText(text, 200, headers)
}

/** @throws Problem 404 when there is none for this caller */
async function jobText(call: ScopedCall): Promise<string> {
  const id = jobIdOf(call)
  const { caller, env } = call
  if (caller.jobId !== null && caller.jobId !== id) throw jobNotFound()
  const view = await callJob(env, id, (job) => job.view())
  if (view.found) {
    if (caller.projectId !== null) requireProject(caller, peek(view.job).project_id)
    return view.job
  }
  if (view.deleting) throw jobNotFound()
  return JSON.stringify(archivedView(await retiredRow(call, id)))
}

/** Weak, since two bodies that differ only in their signatures are the same job (RFC 9110, 8.8.1). */
async function etagOf(text: string): Promise<string> {
  const unsigned = text.replace(/[?&](?:exp|sig)=[^"&]*/g, '')
  return `W/"${(await sha256Hex(unsigned)).slice(0, 32)}"`
}

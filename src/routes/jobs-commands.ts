/**
 * DELETE /api/jobs/:id, POST …/cancel, …/retry and …/webhooks/:delivery/redeliver. The first three are repeat-safe;
 * delete and retry obey If-Match.
 */
import type { CommandAnswer } from '../../actors/export-job/rpc.ts'
import { json, jsonText, type ScopedCall } from '../http.ts'
import { archivedView, peek } from '../job-view.ts'
import { withPlace } from '../places.ts'
import { jobNotFound, Problem } from '../problem.ts'
import { callJob } from '../stubs.ts'
import { forgetDeleted, isMissing, refusal } from './command-answer.ts'
import { reachableJobId, retiredRow } from './job-id.ts'
import { demandedVersion } from './precondition.ts'

/** 202 while RunPod has not confirmed the cancel, else 200; a job that has ended stays as it is. */
export async function cancelJob(call: ScopedCall): Promise<Response> {
  const id = await reachableJobId(call)
  const answer = await callJob(call.env, id, (job) => job.cancel(call.caller.subject, call.requestId))
  if (isMissing(answer)) return jsonText(JSON.stringify(archivedView(await retiredRow(call, id))))
  const text = jobOf(answer)
  return jsonText(text, peek(text).status === 'cancelling' ? 202 : 200)
}

/** 200 with the job in its new round. @throws Problem 429 when its project has no place for it */
export async function retryJob(call: ScopedCall): Promise<Response> {
  const id = await reachableJobId(call)
  const version = await demandedVersion(call)
  const answer = await withPlace(call.env, id, () =>
    callJob(call.env, id, (job) => job.retry(call.caller.subject, version, call.requestId)),
  )
  if (isMissing(answer)) {
    await retiredRow(call, id)
    throw new Problem(409, 'archived', 'This job was retired and its videos are gone; create a new one.')
  }
  return jsonText(jobOf(answer))
}

/** 202: the message is on its way once more; the job's log tells what comes of it. */
export async function redeliverWebhook(call: ScopedCall): Promise<Response> {
  const id = await reachableJobId(call)
  const { delivery = '' } = call.params
  const answer = await callJob(call.env, id, (job) =>
    job.redeliver(delivery, call.caller.subject, call.requestId),
  )
  if (isMissing(answer)) {
    await retiredRow(call, id)
    throw new Problem(409, 'archived', 'This job was retired, and its messages with it.')
  }
  return jsonText(jobOf(answer), 202)
}

/** An ended job is deleted (200); an active one is cancelled instead, and the body says so (202). */
export async function deleteJob(call: ScopedCall): Promise<Response> {
  const id = await reachableJobId(call)
  const version = await demandedVersion(call)
  const answer = await callJob(call.env, id, (job) =>
    job.remove(call.caller.subject, version, call.requestId),
  )
  if (isMissing(answer)) await retiredRow(call, id)
  else if (!answer.ok) throw refusal(answer)
  else if (answer.job !== null) return cancelledInstead(id, answer.job)
  await forgetDeleted(call, id, answer)
  return json({ success: true })
}

function cancelledInstead(id: string, job: string): Response {
  const detail = 'The job was active, so it was cancelled and not deleted; delete it again once it has ended.'
  const head = JSON.stringify({ success: false, job_id: id, status: peek(job).status, detail })
  return jsonText(`${head.slice(0, -1)},"job":${job}}`, 202)
}

function jobOf(answer: CommandAnswer): string {
  if (!answer.ok) throw refusal(answer)
  if (answer.job === null) throw jobNotFound()
  return answer.job
}

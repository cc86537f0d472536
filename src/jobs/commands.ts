/**
 * DELETE /api/jobs/:id, POST …/cancel, …/retry and …/webhooks/:delivery/redeliver, and the same for Workers by RPC. The
 * first three may be repeated; delete and retry support If-Match.
 */
import { type Asked, jsonText, type ScopedCall } from '../http/exchange.ts'
import { jobNotFound } from '../http/problem.ts'
import { command, liveText } from './command.ts'
import { archivedText, callersJobId } from './job-id.ts'

/** The answer as JSON, and whether the cancel is still unconfirmed by RunPod. */
interface Answered {
  text: string
  pending: boolean
}

/** The cancelled job; an ended one is returned unchanged. @throws Problem of `command` */
export async function cancel(call: Asked): Promise<Answered> {
  const done = await command(call, callersJobId(call), { type: 'cancel', by: call.caller.subject })
  if (done.job !== null) return { text: done.job, pending: done.status === 'cancelling' }
  if (done.row) return { text: archivedText(done.row).text, pending: false }
  throw jobNotFound()
}

/** The job in its new round. @throws Problem of `command`, 429 when its project has no place for it */
export async function retry(call: Asked, ifMatch: string | null): Promise<string> {
  const done = await command(call, callersJobId(call), { type: 'retry', by: call.caller.subject }, ifMatch)
  return liveText(done, 'This job was retired and its videos are gone; create a new one.')
}

/** Deletes an ended job; cancels an active one instead, which the answer contains. @throws Problem of `command` */
export async function remove(call: Asked, ifMatch: string | null): Promise<Answered> {
  const id = callersJobId(call)
  const done = await command(call, id, { type: 'delete', by: call.caller.subject }, ifMatch)
  if (done.job === null) return { text: JSON.stringify({ success: true }), pending: false }
  const detail = 'The job was active, so it was cancelled and not deleted; delete it again once it has ended.'
  const head = JSON.stringify({ success: false, job_id: id, status: done.status, detail })
  return { text: `${head.slice(0, -1)},"job":${done.job}}`, pending: true }
}

/** 202 while RunPod has not confirmed the cancel, else 200. */
export async function cancelJob(call: ScopedCall): Promise<Response> {
  return answer(await cancel(call))
}

export async function retryJob(call: ScopedCall): Promise<Response> {
  return jsonText(await retry(call, ifMatchOf(call)))
}

/** 202: the message will be sent again; the job's log records the outcome. */
export async function redeliverWebhook(call: ScopedCall): Promise<Response> {
  const { delivery: id = '' } = call.params
  const done = await command(call, callersJobId(call), { type: 'redeliver', id, by: call.caller.subject })
  return jsonText(liveText(done, 'This job was retired, and its messages with it.'), 202)
}

/** 200 once the job is deleted, 202 when it was cancelled instead. */
export async function deleteJob(call: ScopedCall): Promise<Response> {
  return answer(await remove(call, ifMatchOf(call)))
}

function answer({ text, pending }: Answered): Response {
  return jsonText(text, pending ? 202 : 200)
}

function ifMatchOf({ request }: ScopedCall): string | null {
  return request.headers.get('If-Match')
}

/**
 * POST /api/admin/jobs/:id/actions: what an operator does with one job by hand. Every action may be sent again, is kept
 * in the job's log with who asked and why, and is refused with a reason.
 */
import type { Command } from '../../actors/export-job/core/events.ts'
import { readJson } from '../body.ts'
import { jsonText, type ScopedCall } from '../http.ts'
import { withPlace } from '../places.ts'
import { Problem } from '../problem.ts'
import { requireIntent } from '../same-origin.ts'
import { Action } from '../schemas/admin.ts'
import { callJob } from '../stubs.ts'
import { demand } from '../validate.ts'
import { forgetDeleted, isMissing, refusal } from './command-answer.ts'
import { reachableJobId, retiredRow } from './job-id.ts'

const MOST_BODY_BYTES = 16 * 1024

/** 200 `{action, job}`; `job` is null once it is being deleted. @throws Problem 409 for what is refused, 429 for a new round without a place */
export async function actOnJob(call: ScopedCall): Promise<Response> {
  requireIntent(call.request, call.url)
  const id = await reachableJobId(call)
  const asked = demand(Action, await readJson(call.request, { bytes: MOST_BODY_BYTES }))
  const command = commandOf(asked, call.caller.subject)
  const carryOut = () => callJob(call.env, id, (job) => job.intervene(command, call.requestId))
  const answer = await (asked.action === 'retry_now' ? withPlace(call.env, id, carryOut) : carryOut())
  if (isMissing(answer)) {
    await retiredRow(call, id)
    if (asked.action !== 'delete') throw new Problem(409, 'archived', ARCHIVED)
  } else if (!answer.ok) throw refusal(answer)
  const job = answer.ok ? answer.job : null
  if (asked.action === 'delete' && job === null) await forgetDeleted(call, id, answer)
  return jsonText(`{"action":${JSON.stringify(asked.action)},"job":${job}}`)
}

const ARCHIVED = 'This job was retired, so nothing but deleting its row is left to do.'

function commandOf(asked: Action, subject: string): Command {
  const asker = { by: subject, why: asked.reason }
  switch (asked.action) {
    case 'retry_now':
      return { type: 'retryNow', ...asker }
    case 'cancel':
      return { type: 'cancel', ...asker }
    case 'force_fail':
      return { type: 'forceFail', ...asker }
    case 'recheck':
      return { type: 'recheck', ...asker }
    case 'remirror':
      return { type: 'rewriteRow', ...asker }
    case 'redeliver':
      return { type: 'redeliver', id: asked.delivery_id, ...asker }
    case 'extend_deadline':
      return { type: 'extendDeadline', deadlineAt: asked.deadline_at, ...asker }
    case 'delete':
      return { type: 'delete', ...asker }
  }
}

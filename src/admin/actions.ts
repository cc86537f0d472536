/**
 * POST /api/admin/jobs/:id/actions: manual actions of an operator on one job. Every action may be repeated. It is
 * recorded in the job's log with its caller and reason; a refusal contains its cause.
 */
import type { Command } from '../../actors/export-job/core/events.ts'
import { jsonText, type ScopedCall } from '../http/exchange.ts'
import { parse } from '../http/parse.ts'
import { readJson } from '../http/read-json.ts'
import { requireIntent } from '../http/same-origin.ts'
import { command, liveText } from '../jobs/command.ts'
import { callersJobId } from '../jobs/job-id.ts'
import { Action, type BulkAction } from './schemas.ts'

const MAX_BODY_BYTES = 16 * 1024

/**
 * 200 `{action, job}`; `job` is null once it is being deleted.
 *
 * @throws Problem 409 when the action is refused, 429 for a new round without a place
 */
export async function actOnJob(call: ScopedCall): Promise<Response> {
  requireIntent(call.request, call.url)
  const id = callersJobId(call)
  const asked = parse(Action, await readJson(call.request, { bytes: MAX_BODY_BYTES }))
  const done = await command(call, id, commandOf(asked, call.caller.subject))
  const job = done.job === null && !done.row ? null : liveText(done, ARCHIVED)
  return jsonText(`{"action":${JSON.stringify(asked.action)},"job":${job}}`)
}

type Asked = Action | Pick<BulkAction, 'action' | 'reason'>

export const ARCHIVED = 'This job was retired, so nothing but deleting its row is left to do.'

/** The actor's command for an action. */
export function commandOf(asked: Asked, subject: string): Command {
  const asker = { by: subject, why: asked.reason }
  switch (asked.action) {
    case 'retry_now':
      return { type: 'retryNow', ...asker }
    case 'cancel':
      return { type: 'cancel', ...asker }
    case 'force_fail':
      return { type: 'forceFail', ...asker }
    case 'give_up':
      return { type: 'giveUpAttempt', ref: { round: asked.round, attempt: asked.attempt }, ...asker }
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

/** Sends a command to a job's actor, and maps its answer to HTTP. */
import type { Command } from '../../actors/export-job/core/events.ts'
import type { JobRow } from '../../actors/export-job/effects/job-columns.ts'
import type { CommandAnswer } from '../../actors/export-job/rpc.ts'
import { matchesState } from '../../actors/shared/entity-tag.ts'
import { logRowDeleted } from '../../actors/shared/log.ts'
import { abandonUploads } from '../d1/job-uploads.ts'
import { withPlace } from '../d1/places.ts'
import { hideErasedRow, removeRow } from '../d1/row.ts'
import type { Asked } from '../http/exchange.ts'
import { jobNotFound, Problem } from '../http/problem.ts'
import { callJob } from '../stubs.ts'
import { archivedText, askOf, retiredRow } from './job-id.ts'

/** The job's current text; or the row of a retired job, null when it was deleted. */
export type Outcome =
  | Extract<CommandAnswer, { ok: true; job: string }>
  | { readonly job: null; readonly row: JobRow | null }

/**
 * @param ifMatch the header, for commands that support it (RFC 9110, 13.1.1)
 * @throws Problem 404 when this caller has no such job, 409 when the command is refused, 412 when the job's state is
 *   not the one of `ifMatch`, 429 when the project has no place for a new round
 */
export async function command(
  call: Asked,
  id: string,
  what: Command,
  ifMatch: string | null = null,
): Promise<Outcome> {
  const carryOut = () => callJob(call.env, id, (job) => job.command(what, { ...askOf(call), ifMatch }))
  const startsRound = what.type === 'retry' || what.type === 'retryNow'
  const answer = await (startsRound ? withPlace(call.env, id, call.caller.projectId, carryOut) : carryOut())
  if (!answer.ok && answer.code !== 'job_not_found') throw refusal(answer)
  if (answer.ok && answer.job !== null) return answer
  let row: JobRow | null = null
  if (!answer.ok) {
    row = await retiredRow(call, id)
    if (ifMatch !== null && !matchesState(ifMatch, archivedText(row).etag)) throw jobChanged()
    if (what.type !== 'delete') return { job: null, row }
  }
  await forget(call, id, answer)
  if (row) logRowDeleted(row, call.caller.subject, call.requestId)
  return { job: null, row: null }
}

/**
 * Removes what the Worker stores of a deleted job. While the actor still erases what it owns, the row is hidden
 * instead, since the sweep finds the actor by it.
 */
async function forget({ env }: Asked, id: string, answer: CommandAnswer): Promise<void> {
  if (answer.ok && answer.job === null && answer.erasure) await hideErasedRow(env, answer.erasure)
  else await removeRow(env, id)
  await abandonUploads(env, id)
}

/** The text of a job that has an actor. @throws Problem 404, or 409 with `detail` for a retired one */
export function liveText(outcome: Outcome, detail: string): string {
  if (outcome.job !== null) return outcome.job
  throw outcome.row ? new Problem(409, 'archived', detail) : jobNotFound()
}

/** A job that is being deleted is reported as not found. */
function refusal({ code, detail }: Extract<CommandAnswer, { ok: false }>): Problem {
  if (code === 'job_deleting' || code === 'job_not_found') return jobNotFound()
  if (code === 'job_changed') return jobChanged()
  return new Problem(code === 'delivery_not_found' ? 404 : 409, code, detail)
}

function jobChanged(): Problem {
  return new Problem(412, 'precondition_failed', 'The job has changed since you read it; read it again.')
}

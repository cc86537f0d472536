/** Sends a command to a job's actor, and maps its answer to HTTP. */
import type { Command } from '../../actors/export-job/core/events.ts'
import type { JobRow } from '../../actors/export-job/effects/job-columns.ts'
import type { Erasure } from '../../actors/export-job/effects/job-row.ts'
import type { CommandAnswer } from '../../actors/export-job/rpc.ts'
import { matchesState } from '../../actors/shared/entity-tag.ts'
import { logRowDeleted } from '../../actors/shared/log.ts'
import { abandonUploads } from '../d1/job-uploads.ts'
import { withPlace } from '../d1/places.ts'
import { hideErasedRows, removeRows } from '../d1/row.ts'
import type { Asked } from '../http/exchange.ts'
import { jobNotFound, Problem } from '../http/problem.ts'
import { callJob } from '../stubs.ts'
import { archivedText, askOf, retiredRow } from './job-id.ts'

/** The job's current text; or the row of a retired job, null when it was deleted. */
export type Outcome =
  | Extract<CommandAnswer, { ok: true; job: string }>
  | { readonly job: null; readonly row: JobRow | null }

/** A job that the command deleted: `forget` removes what the Worker stores of it. */
export interface Deleted {
  readonly id: string
  /** Null when no actor erases it. */
  readonly erasure: Erasure | null
  /** Of a retired job. */
  readonly row: JobRow | null
}

/**
 * Sends the command, and forgets a job that it deleted.
 *
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
  const { deleted, ...outcome } = await send(call, id, what, ifMatch)
  if (deleted) await forget(call, [deleted])
  return outcome
}

/** Only sends the command. Throws as `command` does. */
export async function send(
  call: Asked,
  id: string,
  what: Command,
  ifMatch: string | null = null,
): Promise<Outcome & { deleted?: Deleted }> {
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
  const erasure = answer.ok ? (answer.erasure ?? null) : null
  return { job: null, row: null, deleted: { id, erasure, row } }
}

/**
 * Removes what the Worker stores of deleted jobs. While an actor still erases what it owns, the row is hidden instead,
 * since the sweep finds the actor by it.
 *
 * @throws Problem 503
 */
export async function forget({ env, caller, requestId }: Asked, deleted: readonly Deleted[]): Promise<void> {
  await hideErasedRows(
    env,
    deleted.flatMap(({ erasure }) => erasure ?? []),
  )
  await abandonUploads(
    env,
    deleted.map(({ id }) => id),
  )
  // Last, since without its row a retired job cannot be deleted again when something before has failed.
  await removeRows(
    env,
    deleted.filter(({ erasure }) => !erasure).map(({ id }) => id),
  )
  for (const { row } of deleted) if (row) logRowDeleted(row, caller.subject, requestId)
}

/** The text of a job that has an actor. @throws Problem 404, or 409 with `detail` for a retired one */
export function liveText(outcome: Outcome, detail: string): string {
  if (outcome.job !== null) return outcome.job
  throw outcome.row ? archived(detail) : jobNotFound()
}

/** The 409 of a retired job. */
export function archived(detail: string): Problem {
  return new Problem(409, 'archived', detail)
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

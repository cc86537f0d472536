/** Which job a path speaks of, and whether this caller may know of it. */
import { requireProject } from '../auth.ts'
import type { Call, ScopedCall } from '../http.ts'
import { isJobId } from '../ids.ts'
import { type JobRow, readRow } from '../job-rows.ts'
import { peek } from '../job-view.ts'
import { jobNotFound } from '../problem.ts'
import { callJob } from '../stubs.ts'

/** @throws Problem 404 for what is no id of ours, before any actor is woken */
export function jobIdOf(call: Call): string {
  // UUIDs are read in either case (RFC 9562, 4), and an actor has one name.
  const id = (call.params.id ?? '').toLowerCase()
  if (!isJobId(id)) throw jobNotFound()
  call.notes.jobId = id
  return id
}

/**
 * The id of a job within the caller's reach. Only a caller who is confined to a project costs a look at the job.
 *
 * @throws Problem 404 also for a job of another project
 */
export async function reachableJobId(call: ScopedCall): Promise<string> {
  const id = jobIdOf(call)
  const { caller } = call
  if (caller.jobId !== null && caller.jobId !== id) throw jobNotFound()
  if (caller.projectId === null) return id
  const view = await callJob(call.env, id, (job) => job.view())
  if (view.found) requireProject(caller, peek(view.job).project_id)
  return id
}

declare const within: unique symbol
/** The id of a job that the caller was seen to reach; only `jobInReach` makes one. */
export type JobInReach = string & { readonly [within]: true }

/**
 * Turns the id of a job that a body names into one that may be acted on: the job is there, live or retired, and of the
 * caller's reach. Whatever stores an id that a caller wrote asks for this type.
 *
 * @throws Problem 404 also for a job of another project
 */
export async function jobInReach(
  call: ScopedCall,
  id: string,
): Promise<{ id: JobInReach; projectId: number }> {
  const { caller } = call
  if (caller.jobId !== null && caller.jobId !== id) throw jobNotFound()
  const view = await callJob(call.env, id, (job) => job.view())
  if (!view.found && view.deleting) throw jobNotFound()
  const projectId = view.found ? peek(view.job).project_id : (await retiredRow(call, id)).project_id
  requireProject(caller, projectId)
  return { id: id as JobInReach, projectId }
}

/**
 * The row that answers for a job whose actor was retired, or that was closed since it never had one.
 *
 * @throws Problem 404 when there is none, or it is another project's
 */
export async function retiredRow(call: ScopedCall, id: string): Promise<JobRow> {
  const row = await readRow(call.env, id)
  if (!row || (!row.archived && row.finished_at === null)) throw jobNotFound()
  requireProject(call.caller, row.project_id)
  return row
}

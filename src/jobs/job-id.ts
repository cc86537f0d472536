/**
 * Resolves the job that a path names, and what this caller may see of it. The job's actor hides other projects' jobs.
 */

import type { JobRow } from '../../actors/export-job/effects/job-columns.ts'
import type { Ask, ViewAnswer } from '../../actors/export-job/rpc.ts'
import { etagOf } from '../../actors/shared/entity-tag.ts'
import type { JobJson } from '../../wire/job.ts'
import { requireProject } from '../auth/caller.ts'
import { readRow } from '../d1/row.ts'
import type { Asked, Call } from '../http/exchange.ts'
import { jobNotFound } from '../http/problem.ts'
import { callJob } from '../stubs.ts'
import { isJobId } from './ids.ts'
import { archivedView } from './view.ts'

/** The id in the path. @throws Problem 404 when this service did not make it, before any actor is woken */
export function jobIdOf(call: Pick<Call, 'params' | 'notes'>): string {
  // UUIDs may be written in either case (RFC 9562, 4), but an actor has one name.
  const id = (call.params.id ?? '').toLowerCase()
  if (!isJobId(id)) throw jobNotFound()
  call.notes.jobId = id
  return id
}

/** The same for a caller's token. @throws Problem 404 also when the token is confined to another job */
export function callersJobId(call: Asked): string {
  const id = jobIdOf(call)
  requireJob(call, id)
  return id
}

function requireJob({ caller }: Asked, id: string): void {
  if (caller.jobId !== null && caller.jobId !== id) throw jobNotFound()
}

/** The caller's properties that the actor checks. */
export function askOf({ caller, requestId }: Asked): Ask {
  return { projectId: caller.projectId, ifMatch: null, requestId }
}

export interface ShownJob {
  readonly projectId: number
  /** The answer's body as JSON. */
  readonly text: string
  readonly etag: string
  /** Whether only a command can change the job. */
  readonly ended: boolean
  /** The number of its log's last line; null for a job whose actor was retired. */
  readonly seq: number | null
}

/** The live job from its actor, or a retired one from its row. @throws Problem 404 when there is none for this caller */
export async function shownJob(call: Asked, id: string): Promise<ShownJob> {
  requireJob(call, id)
  const view = await callJob(call.env, id, (job) => job.view(askOf(call)))
  if (view.found) return liveJob(call, view)
  if (view.deleting) throw jobNotFound()
  const row = await retiredRow(call, id)
  return { projectId: row.project_id, ...archivedText(row), ended: true, seq: null }
}

/** An actor of an earlier version does not hide the job of another project, and returns the text alone. */
function liveJob({ caller }: Asked, view: Extract<ViewAnswer, { found: true }>): ShownJob {
  const { job: text, seq } = view
  const former: JobJson | null = view.projectId === undefined ? JSON.parse(text) : null
  const projectId = view.projectId ?? former?.project_id ?? 0
  requireProject(caller, projectId)
  const ended = view.ended ?? (former?.finished_at ?? null) !== null
  return { projectId, text, etag: view.etag ?? etagOf(text), ended, seq }
}

/** The body for a job without an actor. */
export function archivedText(row: JobRow): { text: string; etag: string } {
  const text = JSON.stringify(archivedView(row))
  return { text, etag: etagOf(text) }
}

declare const reachable: unique symbol
/** The id of a job that the caller may access; only `jobInReach` creates one. */
export type JobInReach = string & { readonly [reachable]: true }

/**
 * Checks that the job a body names exists, live or retired, and that the caller may access it. Code that stores a job
 * id from a request requires the returned type.
 *
 * @throws Problem 404 also for a job of another project
 */
export async function jobInReach(call: Asked, id: string): Promise<{ id: JobInReach; projectId: number }> {
  const { projectId } = await shownJob(call, id)
  return { id: id as JobInReach, projectId }
}

/**
 * The row of a job whose actor was retired, or that was closed since it never had one.
 *
 * @throws Problem 404 when there is none, or it belongs to another project
 */
export async function retiredRow(call: Asked, id: string): Promise<JobRow> {
  const row = await readRow(call.env, id)
  if (!row || (!row.archived && row.finished_at === null)) throw jobNotFound()
  requireProject(call.caller, row.project_id)
  return row
}

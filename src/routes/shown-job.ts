/** A job as this caller is shown it, and the entity tag of that. */
import { etagOf } from '../../actors/entity-tag.ts'
import { requireProject } from '../auth.ts'
import type { ScopedCall } from '../http.ts'
import { archivedView, peek } from '../job-view.ts'
import { jobNotFound } from '../problem.ts'
import { callJob } from '../stubs.ts'
import { jobIdOf, retiredRow } from './job-id.ts'

export interface ShownJob {
  /** The JSON text of the body. */
  text: string
  etag: string
  /** What the actor counts; null for a job whose actor was retired. */
  live: { version: number; seq: number } | null
}

/** The live job from its actor, or a retired one from its row. @throws Problem 404 when there is none for this caller */
export async function shownJob(call: ScopedCall): Promise<ShownJob> {
  const id = jobIdOf(call)
  const { caller, env } = call
  if (caller.jobId !== null && caller.jobId !== id) throw jobNotFound()
  const view = await callJob(env, id, (job) => job.view())
  if (view.found) {
    if (caller.projectId !== null) requireProject(caller, peek(view.job).project_id)
    const { version, seq } = view
    return { text: view.job, etag: view.etag ?? etagOf(view.job), live: { version, seq } }
  }
  if (view.deleting) throw jobNotFound()
  const text = JSON.stringify(archivedView(await retiredRow(call, id)))
  return { text, etag: etagOf(text), live: null }
}

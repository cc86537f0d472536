/** What an actor answers to a command, as HTTP tells it. */
import type { CommandAnswer } from '../../actors/export-job/rpc.ts'
import type { ScopedCall } from '../http.ts'
import { hideErasedRow, removeRow } from '../job-rows.ts'
import { abandonUploads } from '../job-uploads.ts'
import { jobNotFound, Problem } from '../problem.ts'
import { jobChanged } from './precondition.ts'

/** The actor holds no job: there was none, or it was retired. */
export function isMissing(answer: CommandAnswer): boolean {
  return !answer.ok && answer.code === 'job_not_found'
}

/** A job that is being deleted is not shown to anyone any more. */
export function refusal(answer: Extract<CommandAnswer, { ok: false }>): Problem {
  if (answer.code === 'job_deleting' || answer.code === 'job_not_found') return jobNotFound()
  if (answer.code === 'job_changed') return jobChanged()
  return new Problem(answer.code === 'delivery_not_found' ? 404 : 409, answer.code, answer.detail)
}

/**
 * What the Worker keeps of a deleted job goes, or is hidden while its actor erases what it owns: that row is what the
 * sweep finds the actor by.
 */
export async function forgetDeleted({ env }: ScopedCall, id: string, answer: CommandAnswer): Promise<void> {
  if (answer.ok && answer.erasure) await hideErasedRow(env, answer.erasure)
  else await removeRow(env, id)
  await abandonUploads(env, id)
}

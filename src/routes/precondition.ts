/**
 * `If-Match` on a command about a job: it is carried out on the job that the caller has seen, and on no other. The tag
 * is compared by what it says of the job's state; that it is weak, and that the signatures in the body change with time,
 * does not keep it from matching.
 */
import { stateTags } from '../../actors/entity-tag.ts'
import { tagIsListed } from '../conditional.ts'
import type { ScopedCall } from '../http.ts'
import { Problem } from '../problem.ts'
import { shownJob } from './shown-job.ts'

/**
 * The version that the job's actor must still have when it carries the command out; null when nothing was demanded, or
 * the job has no actor any more.
 *
 * @throws Problem 412 when the job is not the one that the caller has seen, 404 when there is none
 */
export async function demandedVersion(call: ScopedCall): Promise<number | null> {
  const header = call.request.headers.get('If-Match')
  if (header === null) return null
  const { etag, live } = await shownJob(call)
  if (!tagIsListed(stateTags(header), stateTags(etag))) throw jobChanged()
  return header.trim() === '*' ? null : (live?.version ?? null)
}

export function jobChanged(): Problem {
  return new Problem(412, 'precondition_failed', 'The job has changed since you read it; read it again.')
}

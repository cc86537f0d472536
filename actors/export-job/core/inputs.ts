/** Whether the files that a job names were seen to be its project's own. */
import type { Attempt, Job } from './job.ts'

/**
 * True once the look before a dispatch found the input and every asset, false again once one of them was not found.
 * The newest attempt that knows decides.
 */
export function inputsSeen(job: Job): boolean {
  const telling = job.attempts.findLast((attempt) => notFound(attempt) || sawInputs(attempt))
  return telling !== undefined && !notFound(telling)
}

function notFound({ failure }: Attempt): boolean {
  return failure?.code === 'input_not_found'
}

/** `/run` is called only after the look, so whatever RunPod or a worker knows of an attempt shows that it held. */
function sawInputs({ inputsSeen: seen, runpodJobId, queuedAt, runningAt }: Attempt): boolean {
  return seen === true || runpodJobId !== null || queuedAt !== null || runningAt !== null
}

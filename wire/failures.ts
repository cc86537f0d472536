/**
 * Why a job, or one of its attempts, failed: the codes in a job's `error`, each explained to the person who requested
 * the video. The job's page, the page at `/errors/<code>` and docs/errors.md show these texts. A worker may report
 * further codes.
 */

/**
 * What can help: the same request again; the same video with other settings; another video or a new upload; or an
 * action of the deployment's operator.
 */
export type FailureAction = 'retry' | 'change' | 'upload' | 'operator'

export interface FailureWords {
  /** A heading for people, without a full stop. */
  readonly title: string
  readonly cause: string
  readonly remedy: string
  readonly action: FailureAction
}

const OPERATOR = 'Whoever runs the deployment sets it right; then retry the job.'
/** For failures that do not count as attempts. */
const WAITS = 'The job waits and is sent again by itself; no attempt is used up.'
const CORRECTED = 'Whoever runs the deployment sets it right; the job waits for that, and uses up no attempt.'
const RETRIED = 'The next attempt follows by itself; after the last one, retry the job by hand.'

const words = (action: FailureAction, title: string, cause: string, remedy: string): FailureWords => ({
  title,
  cause,
  remedy,
  action,
})

export const FAILURES: Readonly<Record<string, FailureWords>> = {
  input_not_found: words(
    'upload',
    'The video was not found',
    'The input, or an image that the params name, is not in storage, or belongs to another project; the job whose result it was is deleted; or the address that was given for it does not hand it out any more.',
    'Upload it again, or sign its address anew, and create a new job.',
  ),
  invalid_media: words(
    'upload',
    'The video could not be read',
    'The worker could not read the input as a video.',
    'Check the file, and create a new job.',
  ),
  invalid_params: words(
    'change',
    'These settings do not fit this video',
    'The worker could not do what the params ask of this input.',
    'Correct the request and create a new job.',
  ),
  out_of_memory: words(
    'change',
    'The video is too large for the GPU',
    'The worker ran out of memory.',
    'Ask for a smaller picture, or run workers with more memory; then retry.',
  ),
  worker_error: words(
    'retry',
    'The export failed while it was made',
    'The worker failed; `message` is what it said.',
    RETRIED,
  ),
  worker_lost: words('retry', 'The GPU went away', 'RunPod lost the worker, or none ever reported.', RETRIED),
  stalled: words(
    'retry',
    'The GPU fell silent',
    'The worker fell silent, and RunPod could not be asked about it.',
    RETRIED,
  ),
  execution_timeout: words(
    'change',
    'The export took too long',
    'The attempt ran longer than `execution_timeout_seconds`.',
    'Allow more time in `policy`, or ask for less work.',
  ),
  budget_exceeded: words(
    'retry',
    'The export used up its GPU time',
    'The attempts used the GPU seconds that `max_gpu_seconds` allows.',
    'Look at why it took so long; then retry, which allows them once more, or create it with more.',
  ),
  queue_timeout: words(
    'retry',
    'No GPU was free in time',
    'No worker took the job within `queue_timeout_seconds`.',
    'Have more workers, or wait longer; then retry.',
  ),
  deadline_exceeded: words(
    'retry',
    'The export was not done in time',
    'The job did not end within `deadline_seconds`.',
    'Retry it, which begins a new round with a new deadline.',
  ),
  output_missing: words(
    'retry',
    'The finished video did not arrive',
    'The worker reported completion, but its output is not in storage.',
    RETRIED,
  ),
  dispatch_lost: words(
    'retry',
    'The export got lost on its way to a GPU',
    'RunPod did not say whether it took the job, and no worker reported.',
    RETRIED,
  ),
  dispatch_rejected: words(
    'operator',
    'The export was turned away',
    'RunPod rejected the job; `message` says why.',
    OPERATOR,
  ),
  runpod_unauthorized: words(
    'operator',
    'The service may not use its GPUs',
    'RunPod refused the API key.',
    CORRECTED,
  ),
  runpod_forbidden: words(
    'operator',
    'The service may not use its GPUs',
    'The API key may not use this endpoint.',
    CORRECTED,
  ),
  runpod_endpoint_not_found: words(
    'operator',
    'The service does not find its GPUs',
    'RunPod does not know the endpoint.',
    CORRECTED,
  ),
  runpod_no_credit: words(
    'operator',
    'The service has no credit for GPUs',
    'The RunPod account has no credit.',
    CORRECTED,
  ),
  runpod_rate_limited: words('retry', 'RunPod is busy', 'RunPod limits the rate of requests.', WAITS),
  runpod_unavailable: words('retry', 'RunPod does not answer', 'RunPod could not take the job.', WAITS),
  runpod_cancelled: words(
    'retry',
    'The export was stopped at RunPod',
    'The job was cancelled at RunPod, not by this service.',
    'Retry it if that was a mistake.',
  ),
  runpod_job_lost: words(
    'retry',
    'RunPod lost the export',
    'RunPod no longer knows the job, and its output was not found.',
    RETRIED,
  ),
  not_configured: words(
    'operator',
    'The service is not set up yet',
    'The deployment lacks a setting that dispatching needs.',
    CORRECTED,
  ),
  storage_unavailable: words(
    'retry',
    'Storage does not answer',
    'Storage did not answer when the input was looked for.',
    WAITS,
  ),
  force_failed: words(
    'operator',
    'An operator ended the export',
    'An operator ended the job by hand.',
    'Ask the operator; its log says who and why.',
  ),
  given_up: words(
    'retry',
    'An operator gave the attempt up',
    'An operator gave the attempt up, so that the next one is tried.',
    'The next attempt follows at once.',
  ),
  runaway: words(
    'operator',
    'The export was stopped by a safeguard',
    'The job woke far more often than its clocks explain, and was stopped.',
    'Report it; it is a bug.',
  ),
  not_accepted: words(
    'change',
    'The export was never accepted',
    'The request that created the job was interrupted before it was accepted.',
    'Send it again, with the same Idempotency-Key.',
  ),
  actor_lost: words(
    'change',
    'The export is lost',
    'The actor of the job no longer holds it.',
    'Create a new job, and report it.',
  ),
}

/** The texts of a code; null for a code that a worker defines. */
export function failureWords(code: string): FailureWords | null {
  return Object.hasOwn(FAILURES, code) ? (FAILURES[code] ?? null) : null
}

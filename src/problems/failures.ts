/** Why a job, or one of its attempts, failed: the codes in a job's `error`. A worker may report others of its own. */

interface FailureEntry {
  readonly cause: string
  readonly remedy: string
}

const CREATE_ANEW = 'Correct the request and create a new job.'
const OPERATOR = 'Whoever runs the deployment sets it right; then retry the job.'
const RETRIED = 'The next attempt follows by itself; after the last one, retry the job by hand.'

export const FAILURES: Record<string, FailureEntry> = {
  input_not_found: {
    cause: 'The input, or an image that the params name, is not in storage, or belongs to another project.',
    remedy: 'Upload it again and create a new job.',
  },
  invalid_media: {
    cause: 'The worker could not read the input as a video.',
    remedy: 'Check the file, and create a new job.',
  },
  invalid_params: {
    cause: 'The worker could not do what the params ask of this input.',
    remedy: CREATE_ANEW,
  },
  out_of_memory: {
    cause: 'The worker ran out of memory.',
    remedy: 'Ask for a smaller picture, or run workers with more memory; then retry.',
  },
  worker_error: { cause: 'The worker failed; `message` is what it said.', remedy: RETRIED },
  worker_lost: { cause: 'RunPod lost the worker, or none ever reported.', remedy: RETRIED },
  stalled: { cause: 'The worker fell silent, and RunPod could not be asked about it.', remedy: RETRIED },
  execution_timeout: {
    cause: 'The attempt ran longer than `execution_timeout_seconds`.',
    remedy: 'Allow more time in `policy`, or ask for less work.',
  },
  queue_timeout: {
    cause: 'No worker took the job within `queue_timeout_seconds`.',
    remedy: 'Have more workers, or wait longer; then retry.',
  },
  deadline_exceeded: {
    cause: 'The job did not end within `deadline_seconds`.',
    remedy: 'Retry it, which begins a new round with a new deadline.',
  },
  output_missing: {
    cause: 'The worker reported completion, but its output is not in storage.',
    remedy: RETRIED,
  },
  dispatch_lost: {
    cause: 'RunPod did not say whether it took the job, and no worker reported.',
    remedy: RETRIED,
  },
  dispatch_rejected: { cause: 'RunPod rejected the job; `message` says why.', remedy: OPERATOR },
  runpod_unauthorized: { cause: 'RunPod refused the API key.', remedy: OPERATOR },
  runpod_forbidden: { cause: 'The API key may not use this endpoint.', remedy: OPERATOR },
  runpod_endpoint_not_found: { cause: 'RunPod does not know the endpoint.', remedy: OPERATOR },
  runpod_no_credit: { cause: 'The RunPod account has no credit.', remedy: OPERATOR },
  runpod_rate_limited: { cause: 'RunPod limits the rate of requests.', remedy: RETRIED },
  runpod_unavailable: { cause: 'RunPod could not take the job.', remedy: RETRIED },
  runpod_cancelled: {
    cause: 'The job was cancelled at RunPod, not by this service.',
    remedy: 'Retry it if that was a mistake.',
  },
  runpod_job_lost: {
    cause: 'RunPod no longer knows the job, and its output was not found.',
    remedy: RETRIED,
  },
  not_configured: { cause: 'The deployment lacks a setting that dispatching needs.', remedy: OPERATOR },
  storage_unavailable: { cause: 'Storage did not answer when the input was looked for.', remedy: RETRIED },
  force_failed: {
    cause: 'An operator ended the job by hand.',
    remedy: 'Ask the operator; its log says who and why.',
  },
  runaway: {
    cause: 'The job woke far more often than its clocks explain, and was stopped.',
    remedy: 'Report it; it is a bug.',
  },
  not_accepted: {
    cause: 'The request that created the job was interrupted before it was accepted.',
    remedy: 'Send it again, with the same Idempotency-Key.',
  },
  actor_lost: {
    cause: 'The actor of the job no longer holds it.',
    remedy: 'Create a new job, and report it.',
  },
}

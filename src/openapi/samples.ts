/** Values that several examples contain. Ids and signatures are placeholders for the reader's own. */

/** The job id for the Idempotency-Key `order-4711` in project 1. */
export const JOB_ID = '3526231e-6810-886f-8f94-4ae8139b663a'
export const INPUT_KEY = 'input/0198b2f4-6c1e-7d3a-9f00-5b1c2d3e4f50/clip.mp4'
export const UPLOAD_ID = 'AFs1…'

/** A job right after it was accepted. */
export const NEW_JOB = {
  id: JOB_ID,
  project_id: 1,
  type: 'trim',
  status: 'pending',
  progress: 0,
  stage: null,
  message: null,
  eta_seconds: null,
  last_report_at: null,
  reason: 'Accepted; the first attempt is about to be sent to RunPod.',
  next_action: { at: '2026-01-01T10:00:00.000Z', what: 'send the next attempt to RunPod' },
  input_video_key: INPUT_KEY,
  input_video_url: null,
  input_url: null,
  output_video_key: null,
  output_size_bytes: null,
  output_url: null,
  poster_url: null,
  params: { start_seconds: 2, end_seconds: 10, output: { container: 'mp4', quality: 'medium' } },
  metadata: { order: 4711 },
  tags: ['spring'],
  attempt: 0,
  max_attempts: 3,
  endpoint: 'default',
  round: 1,
  runpod_job_id: null,
  next_attempt_at: '2026-01-01T10:00:00.000Z',
  queue: null,
  error: null,
  cancel: null,
  usage: {
    gpu_seconds: 0,
    wasted_seconds: 0,
    after_cancel_seconds: 0,
    queue_seconds: 0,
    estimated: false,
    cost: null,
    wasted_cost: null,
  },
  created_at: '2026-01-01T10:00:00.000Z',
  started_at: null,
  finished_at: null,
  expires_at: null,
  version: 1,
  urls: {
    self: `/api/jobs/${JOB_ID}`,
    ws: `/api/jobs/${JOB_ID}/ws`,
    events: `/api/jobs/${JOB_ID}/events`,
    cancel: `/api/jobs/${JOB_ID}/cancel`,
    retry: `/api/jobs/${JOB_ID}/retry`,
  },
}

/** Headers with the checksum of a body to store. */
export const CHECKSUM_HEADERS = {
  'Content-MD5': {
    description: 'Base64 of the MD5 of the bytes (RFC 1864).',
    example: 'CY9rzUYh03PK3k6DJie09g==',
    pattern: '^[A-Za-z0-9+/]{22}==$',
  },
  'x-amz-checksum-sha256': {
    description: 'Base64 of their SHA-256.',
    example: 'n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=',
    pattern: '^[A-Za-z0-9+/]{43}=$',
  },
}

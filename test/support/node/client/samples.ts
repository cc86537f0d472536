/** A sample job and its log lines, as the service shows them. */
import type { Timings } from '../../../../client/index.ts'
import type { Job, JobEvent, UploadPlan } from '../../../../client/types.ts'

export const T0 = '2026-01-01T10:00:00.000Z'

/** Short enough for fast tests, and long enough that no timer fires unexpectedly. */
export const quick: Partial<Timings> = {
  retryBaseMs: 2,
  minReconnectMs: 2,
  maxReconnectMs: 10,
  pollIntervalMs: 5,
  socketRetryMs: 30,
  connectTimeoutMs: 2_000,
}

export function aJob(patch: Partial<Job> = {}): Job {
  const id = patch.id ?? 'job-1'
  return {
    id,
    project_id: 1,
    type: 'overlay',
    status: 'processing',
    progress: 0,
    stage: null,
    message: null,
    eta_seconds: null,
    last_report_at: null,
    reason: 'Attempt 1 of 3 is rendering on RunPod.',
    next_action: null,
    input_video_key: 'input/1/clip.mp4',
    output_video_key: null,
    output_size_bytes: null,
    input_video_url: null,
    input_url: null,
    output_url: null,
    poster_url: null,
    params: {},
    metadata: {},
    tags: [],
    attempt: 1,
    max_attempts: 3,
    endpoint: 'default',
    round: 1,
    runpod_job_id: null,
    next_attempt_at: null,
    queue: null,
    error: null,
    cancel: null,
    usage: { gpu_seconds: 0, wasted_seconds: 0 },
    created_at: T0,
    started_at: T0,
    finished_at: null,
    expires_at: null,
    version: 1,
    urls: { self: `/api/jobs/${id}`, ws: `/api/jobs/${id}/ws`, events: '', cancel: '', retry: '' },
    ...patch,
  }
}

/** Of a type that this client need not know. */
export function anEvent(seq: number, type = 'changed'): JobEvent {
  return { seq, type, at: T0, round: 1, attempt: 1, data: {} } as JobEvent
}

/** In one PUT, or in parts of 100,000 bytes; addresses are relative to the service. */
export function anUploadPlan(sizeBytes: number, multipart: boolean): UploadPlan {
  return {
    upload_url: multipart ? null : '/put',
    video_key: 'input/1/clip.mp4',
    method: 'PUT',
    size_bytes: sizeBytes,
    headers: {},
    expires_at: '2100-01-01T00:00:00Z',
    ...(multipart && {
      multipart: {
        companion_url: '/companion',
        part_size_bytes: 100_000,
        part_count: Math.ceil(sizeBytes / 100_000),
      },
    }),
  }
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

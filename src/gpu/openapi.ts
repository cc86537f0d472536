/** OpenAPI notes of the reports of GPU workers, and of RunPod's callback. */
import * as v from 'valibot'
import { CompleteBody, ErrorBody, ProgressBody } from '../../actors/export-job/read-report.ts'
import { RunpodEnvelope } from '../../actors/runpod/envelope.ts'
import { ById, JobId } from '../jobs/ids.ts'
import type { OperationNote } from '../openapi/operation.ts'
import { JOB_ID } from '../openapi/samples.ts'
import { CallbackAnswer, PlainCallback, ReportAnswer } from './schemas.ts'

const REPORT = {
  tag: 'Reports',
  path: ById,
  answers: {
    200: {
      description:
        'Heard. `cancel`: stop, nothing more is wanted of this attempt; also for a job that is gone.',
      schema: ReportAnswer,
    },
  },
} as const

export const REPORT_NOTES: readonly OperationNote[] = [
  {
    route: 'GET /api/jobs/:id/do/ws',
    id: 'openLine',
    tag: 'Reports',
    summary: 'Report over a WebSocket',
    description:
      'What is posted otherwise goes over one socket, at a sixtieth of the cost, and a cancel is heard at once. JSON messages of at most 4 KiB, at most 20 a second. First `{type: "hello", runpod_job_id, instance}`, where `instance` is random, another for each process and attempt; then reports with a `type` of `progress`, `complete` or `error` and a number `n`, which rises by one with each report of an instance, on the socket and by POST alike: a lower one than seen is dropped. The worker hears `{type: "ack", of: n}` once a completion or an error is durable, `{type: "refused", of: n, code, detail}`, and `{type: "stop", reason}` as soon as its attempt is closed. The text `ping` is answered `pong`, and is a sign of life. The subprotocol `exportal.worker.v1` may be offered. Close codes: 4401 no valid token, or it has expired since; 4404 no such job; 1003 a binary message, 1008 too fast, 1009 too large, 1013 too many sockets of one job.',
    path: ById,
    answers: { 101: { description: 'The socket.' } },
    problems: ['upgrade_required'],
    examples: [{ name: 'upgrade', summary: 'Opened as a WebSocket', status: 101 }],
  },
  {
    ...REPORT,
    route: 'POST /api/jobs/:id/do/progress',
    id: 'reportProgress',
    summary: 'Report progress',
    description:
      'Progress never falls within an attempt. Fields that are not known are ignored, and long texts are cut. Send `runpod_job_id`, the `id` of the handler’s job: by it an attempt whose dispatch was lost is found again.',
    body: ProgressBody,
    examples: [
      {
        name: 'rendering',
        summary: 'Under way',
        body: { progress: 42, stage: 'rendering', eta_seconds: 31, runpod_job_id: 'a1b2c3-u1' },
        status: 200,
        answer: { ok: true, cancel: false },
      },
    ],
  },
  {
    ...REPORT,
    route: 'POST /api/jobs/:id/do/complete',
    id: 'reportComplete',
    summary: 'Report completion',
    description: 'The job is complete only when its output was seen in storage.',
    body: CompleteBody,
    problems: ['output_key_mismatch'],
    examples: [
      {
        name: 'done',
        summary: 'The output is uploaded',
        body: { output_video_key: `output/${JOB_ID}/1-1.mp4`, runpod_job_id: 'a1b2c3-u1' },
        status: 200,
      },
      {
        name: 'other_key',
        summary: 'Another key than the one given',
        body: { output_video_key: 'output/elsewhere.mp4' },
        status: 422,
      },
    ],
  },
  {
    ...REPORT,
    route: 'POST /api/jobs/:id/do/error',
    id: 'reportError',
    summary: 'Report a failure',
    description:
      '`should_retry: false` ends the job at once; otherwise another attempt follows, if one is left.',
    body: ErrorBody,
    examples: [
      {
        name: 'out_of_memory',
        summary: 'Another attempt may do better',
        body: { error: 'CUDA out of memory', should_retry: true, code: 'out_of_memory' },
        status: 200,
      },
    ],
  },
  {
    route: 'POST /api/runpod/callback',
    id: 'runpodCallback',
    tag: 'Reports',
    summary: 'RunPod’s webhook',
    description:
      'RunPod posts its job envelope; a worker may post the plain form. The URL is signed, since RunPod cannot sign, and names the attempt. 200 is answered once what was told is committed or found stale; after anything else RunPod tries again. The Content-Type is not looked at.',
    query: v.object({ job: JobId, round: v.string(), attempt: v.string() }),
    notes: {
      job: 'The job; part of the signed URL.',
      round: 'Its round; part of the signed URL.',
      attempt: 'The attempt; part of the signed URL.',
    },
    body: v.union([PlainCallback, RunpodEnvelope]),
    bodyOptional: true,
    answers: { 200: { description: 'Committed, or found stale.', schema: CallbackAnswer } },
    problems: ['job_unavailable', 'output_key_mismatch'],
    examples: [
      {
        name: 'envelope',
        summary: 'As RunPod posts it',
        body: { id: 'a1b2c3-u1', status: 'IN_PROGRESS', delayTime: 812 },
        status: 200,
        answer: { ok: true },
      },
      {
        name: 'plain',
        summary: 'As a worker may post it',
        body: { job_id: JOB_ID, status: 'failed', error: 'The handler crashed.' },
        status: 200,
      },
    ],
  },
]

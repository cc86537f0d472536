/** What GPU workers and RunPod tell the service. */
import * as v from 'valibot'
import { RunpodEnvelope } from '../../actors/runpod-envelope.ts'
import { JobId } from '../schemas/common.ts'
import {
  CallbackAnswer,
  CompleteBody,
  ErrorBody,
  PlainCallback,
  ProgressBody,
  ReportAnswer,
} from '../schemas/report.ts'
import type { Operation } from './operation.ts'
import { JOB_ID } from './samples.ts'

const ById = v.object({ id: JobId })

const REPORT = {
  tag: 'Reports',
  access: 'signed',
  signature: 'callback token',
  path: ById,
  answers: {
    200: {
      description:
        'Heard. `cancel`: stop, nothing more is wanted of this attempt; also for a job that is gone.',
      schema: ReportAnswer,
    },
  },
} as const

export const REPORT_OPERATIONS: readonly Operation[] = [
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
    access: 'signed',
    signature: 'signed URL',
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

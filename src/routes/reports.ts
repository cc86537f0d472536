/**
 * POST /api/jobs/:id/do/progress, /complete and /error, from the GPU worker. The callback token is checked before the
 * actor is woken; the answer tells the worker whether to stop.
 */
import type { Report } from '../../actors/export-job/core/events.ts'
import type { AttemptRef } from '../../actors/export-job/core/job.ts'
import { codeOf, sentenceOf } from '../../actors/export-job/core/verdicts.ts'
import { withoutSecrets } from '../../actors/redact.ts'
import { readCallbackToken, type SignatureFault } from '../../actors/signing.ts'
import { readJson } from '../body.ts'
import { bearerToken, type Call, json } from '../http.ts'
import { Problem } from '../problem.ts'
import type { ProblemCode } from '../problems/index.ts'
import { CompleteBody, ErrorBody, ProgressBody, type ReportAnswer } from '../schemas/report.ts'
import { callJob } from '../stubs.ts'
import { demand } from '../validate.ts'
import { jobIdOf } from './job-id.ts'

/** A Python traceback can be long, and its error must not be lost to that. */
const MOST_BODY_BYTES = 4 * 1024 * 1024

export function reportProgress(call: Call): Promise<Response> {
  return answer(call, (body, ref) => {
    const { progress, stage, message, eta_seconds: eta, runpod_job_id: id } = demand(ProgressBody, body)
    return {
      type: 'progressed',
      ref,
      percent: progress,
      stage: stage ?? null,
      message: message ?? null,
      etaMs: eta == null ? null : eta * 1000,
      runpodJobId: id ?? null,
    }
  })
}

export function reportComplete(call: Call): Promise<Response> {
  return answer(call, (body, ref) => {
    const { output_video_key: outputKey, runpod_job_id: id } = demand(CompleteBody, body)
    return { type: 'completed', ref, outputKey, runpodJobId: id ?? null }
  })
}

export function reportError(call: Call): Promise<Response> {
  return answer(call, (body, ref) => {
    const { error, should_retry: retryable, code, runpod_job_id: id } = demand(ErrorBody, body)
    const failure = {
      code: codeOf(code) ?? 'worker_error',
      message: sentenceOf(withoutSecrets(error)),
      retryable,
    }
    return { type: 'failed', ref, failure, runpodJobId: id ?? null }
  })
}

async function answer(call: Call, read: (body: unknown, ref: AttemptRef) => Report): Promise<Response> {
  const id = jobIdOf(call)
  const ref = attemptOf(call, id)
  const report = read(await readJson(call.request, { bytes: MOST_BODY_BYTES, repair: true }), ref)
  return sendReport(call, id, report)
}

/** 200 `{ok, cancel}`; also for a job that is gone, whose worker must stop. @throws Problem 422 when refused */
export async function sendReport(call: Call, jobId: string, report: Report): Promise<Response> {
  const reply = await callJob(call.env, jobId, (job) => job.report(report, call.requestId))
  if (reply.ok) return json({ ok: true, cancel: reply.cancel } satisfies ReportAnswer)
  if (reply.code === 'job_not_found' || reply.code === 'job_deleting')
    return json({ ok: true, cancel: true } satisfies ReportAnswer)
  throw new Problem(422, reply.code, reply.detail)
}

const TOKEN_REFUSALS: Record<SignatureFault, [ProblemCode, string]> = {
  signature_missing: [
    'token_missing',
    'Send the attempt’s callback token as Authorization: Bearer <callback_token>.',
  ],
  signature_invalid: ['token_invalid', 'This callback token is not for this job.'],
  signature_expired: ['token_expired', 'This callback token has expired.'],
}

/** @throws Problem 401 without the token of one of this job's attempts */
function attemptOf(call: Call, jobId: string): AttemptRef {
  const token = bearerToken(call.request)
  const read = readCallbackToken(call.settings.authSecrets, jobId, token, Date.now())
  if (read.ok) return read.ref
  throw new Problem(401, ...TOKEN_REFUSALS[read.fault], {
    headers: { 'WWW-Authenticate': 'Bearer realm="exportal"' },
  })
}

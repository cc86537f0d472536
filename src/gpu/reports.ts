/**
 * POST /api/jobs/:id/do/progress, /complete and /error, from the GPU worker. The callback token is checked before the
 * actor is woken; `cancel` in the answer stops the worker.
 */
import * as v from 'valibot'
import type { Report } from '../../actors/export-job/core/events.ts'
import type { AttemptRef } from '../../actors/export-job/core/job.ts'
import {
  CompleteBody,
  completeReport,
  ErrorBody,
  errorReport,
  Instance,
  ProgressBody,
  progressReport,
  ReportNumber,
} from '../../actors/export-job/read-report.ts'
import { readCallbackToken, type SignatureFault } from '../../actors/shared/signing.ts'
import { bearerToken, type Call, json } from '../http/exchange.ts'
import { isObject } from '../http/fields.ts'
import { parse } from '../http/parse.ts'
import { Problem } from '../http/problem.ts'
import { readJson } from '../http/read-json.ts'
import { jobIdOf } from '../jobs/job-id.ts'
import type { ProblemCode } from '../problems/index.ts'
import { callJob } from '../stubs.ts'
import type { ReportAnswer } from './schemas.ts'

/** Room for a long Python traceback, so that an error report is not lost by its size. */
const MAX_BODY_BYTES = 4 * 1024 * 1024

export function reportProgress(call: Call): Promise<Response> {
  return answer(call, (body, ref) => progressReport(parse(ProgressBody, fieldsOf(body, 'progress')), ref))
}

export function reportComplete(call: Call): Promise<Response> {
  return answer(call, (body, ref) => completeReport(parse(CompleteBody, body), ref))
}

/** A failure is taken even if its report is too large to be read. */
export function reportError(call: Call): Promise<Response> {
  const unread = `The worker's report of its failure was larger than ${MAX_BODY_BYTES} bytes.`
  return answer(call, (body, ref) => errorReport(parse(ErrorBody, fieldsOf(body, 'error')), ref), unread)
}

/** A body that is no object is the report's main field alone: a traceback as text or as a list, for example. */
function fieldsOf(body: unknown, main: string): Record<string, unknown> {
  return isObject(body) ? body : { [main]: body }
}

/** @param instead the body to assume when it is too large; without one it is refused */
async function answer(
  call: Call,
  read: (body: unknown, ref: AttemptRef) => Report,
  instead?: string,
): Promise<Response> {
  const id = jobIdOf(call)
  const { ref } = attemptOf(call, id)
  const body = await readJson(call.request, { bytes: MAX_BODY_BYTES, repair: true }).catch((error) => {
    if (instead !== undefined && error instanceof Problem && error.status === 413) return instead
    throw error
  })
  const report = read(body, ref)
  return sendReport(call, id, { ...report, ...numberOf(call.request) })
}

/** The report's number may be in headers, for senders that pass on a body unchanged. */
function numberOf({ headers }: Request): Pick<Report, 'n' | 'instance'> {
  const n = v.parse(ReportNumber, Number(headers.get('X-Report-N') ?? 0))
  const instance = v.parse(Instance, headers.get('X-Report-Instance'))
  return { ...(n != null && { n }), ...(instance != null && { instance }) }
}

/**
 * 200 `{ok, cancel}`; also for a job that is gone, with `cancel: true`.
 *
 * @throws Problem 422 when the report is refused
 */
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

/**
 * The token's attempt, and when the token expires (ms).
 *
 * @throws Problem 401 without a token of one of this job's attempts
 */
export function attemptOf(call: Call, jobId: string): { ref: AttemptRef; expiresAt: number } {
  const token = bearerToken(call.request)
  const read = readCallbackToken(call.settings.authSecrets, jobId, token, Date.now())
  if (read.ok) return read
  throw new Problem(401, ...TOKEN_REFUSALS[read.fault], {
    headers: { 'WWW-Authenticate': 'Bearer realm="exportal"' },
  })
}

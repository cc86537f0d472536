/**
 * POST /api/runpod/callback: RunPod's webhook. RunPod cannot sign, so the URL is signed. RunPod accepts exactly 200 and
 * retries twice otherwise; 200 is sent only after the actor has committed the payload, or found it stale. `input` and
 * `webhook` in the body contain tokens: the body is never logged, and only known fields are stored.
 */
import type { Observation } from '../../actors/export-job/core/events.ts'
import type { AttemptRef } from '../../actors/export-job/core/job.ts'
import { observationOf, RunpodEnvelope } from '../../actors/runpod/envelope.ts'
import { requireSignature } from '../auth/signed.ts'
import { type Call, json } from '../http/exchange.ts'
import { parse } from '../http/parse.ts'
import { invalid } from '../http/problem.ts'
import { readJson } from '../http/read-json.ts'
import { isJobId } from '../jobs/ids.ts'
import { callJob } from '../stubs.ts'
import { sendReport } from './reports.ts'
import { type CallbackAnswer, PlainCallback } from './schemas.ts'

/** RunPod returns the input together with the handler's output, which may be large. */
const MAX_BODY_BYTES = 10 * 1024 * 1024

export async function runpodCallback(call: Call): Promise<Response> {
  requireSignature(call, 'webhook', 'POST')
  const { jobId, ref } = targetOf(call)
  const body = await readJson(call.request, { bytes: MAX_BODY_BYTES, repair: true })
  return isPlain(body) ? plainCallback(call, jobId, ref, body) : envelope(call, jobId, ref, body)
}

/** @throws Problem 400 for a signed but malformed query, which only this service itself could have made */
function targetOf(call: Call): { jobId: string; ref: AttemptRef } {
  const query = call.url.searchParams
  const jobId = (query.get('job') ?? '').toLowerCase()
  const ref = { round: Number(query.get('round')), attempt: Number(query.get('attempt')) }
  if (!isJobId(jobId) || !(ref.round >= 1) || !(ref.attempt >= 1)) {
    throw invalid([{ pointer: '/query/job', detail: 'This callback names no attempt of a job.' }])
  }
  call.notes.jobId = jobId
  return { jobId, ref }
}

function isPlain(body: unknown): boolean {
  return body !== null && typeof body === 'object' && 'job_id' in body
}

async function envelope(call: Call, jobId: string, ref: AttemptRef, body: unknown): Promise<Response> {
  const payload = parse(RunpodEnvelope, body)
  return observe(call, jobId, ref, payload.id ?? null, observationOf(payload))
}

/** A body with an output key is handled as any completion by a worker, and the key is checked. */
async function plainCallback(call: Call, jobId: string, ref: AttemptRef, body: unknown): Promise<Response> {
  const { job_id: named, status, output, error } = parse(PlainCallback, body)
  if (named.toLowerCase() !== jobId) {
    throw invalid([{ pointer: '/job_id', detail: 'This is not the job that the URL was signed for.' }])
  }
  const outputKey = output?.output_video_key ?? null
  if (status === 'completed' && outputKey !== null) {
    return sendReport(call, jobId, { type: 'completed', ref, outputKey, runpodJobId: null })
  }
  return observe(call, jobId, ref, null, { state: status, error: error ?? null, usage: null })
}

async function observe(
  call: Call,
  jobId: string,
  ref: AttemptRef,
  runpodJobId: string | null,
  observation: Observation,
): Promise<Response> {
  await callJob(call.env, jobId, (job) =>
    job.observe(
      { type: 'observed', ref, source: 'webhook', runpodJobId, observation, health: null },
      call.requestId,
    ),
  )
  return json({ ok: true } satisfies CallbackAnswer)
}

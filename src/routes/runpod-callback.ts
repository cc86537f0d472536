/**
 * POST /api/runpod/callback: RunPod's webhook. RunPod cannot sign, so the URL is signed. It wants exactly 200 and
 * tries again twice otherwise; 200 is said only once the actor has committed what was told, or found it stale.
 * `input` and `webhook` in its body echo tokens: the body is never logged, and only known fields are kept.
 */
import type { Observation } from '../../actors/export-job/core/events.ts'
import type { AttemptRef } from '../../actors/export-job/core/job.ts'
import { observationOf, RunpodEnvelope } from '../../actors/runpod-envelope.ts'
import { readJson } from '../body.ts'
import { type Call, json } from '../http.ts'
import { isJobId } from '../ids.ts'
import { invalid } from '../problem.ts'
import { type CallbackAnswer, PlainCallback } from '../schemas/report.ts'
import { callJob } from '../stubs.ts'
import { demand } from '../validate.ts'
import { sendReport } from './reports.ts'
import { requireSignature } from './signed.ts'

/** RunPod echoes the input and carries the handler's output, which may be large. */
const MOST_BODY_BYTES = 10 * 1024 * 1024

export async function runpodCallback(call: Call): Promise<Response> {
  requireSignature(call, 'webhook', 'POST')
  const { jobId, ref } = targetOf(call)
  const body = await readJson(call.request, { bytes: MOST_BODY_BYTES, repair: true })
  return isPlain(body) ? plainCallback(call, jobId, ref, body) : envelope(call, jobId, ref, body)
}

/** @throws Problem 400 for what only this service's own key could have signed wrongly */
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
  const told = demand(RunpodEnvelope, body)
  return observe(call, jobId, ref, told.id ?? null, observationOf(told))
}

/** With an output key it is a worker's completion like any other, and the key is checked. */
async function plainCallback(call: Call, jobId: string, ref: AttemptRef, body: unknown): Promise<Response> {
  const { job_id: named, status, output, error } = demand(PlainCallback, body)
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

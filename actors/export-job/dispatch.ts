/** One attempt's request to RunPod: checked before it is paid for, with everything the worker needs and no R2 key. */
import type { OwnedFile } from '../owned-file.ts'
import { type RunAnswer, run } from '../runpod.ts'
import type { Settings } from '../settings.ts'
import { callbackToken, downloadPath, uploadPath, webhookPath } from '../signing.ts'
import { companionPath, type FileClaims } from '../upload-token.ts'
import { type SeenInputs, seeInputs } from '../videos.ts'
import { within } from '../within.ts'
import type { Fact } from './core/events.ts'
import type { Attempt, Job, JsonObject } from './core/job.ts'
import { refOf } from './core/remote.ts'
import { CALL_LIMITS, ttlMs } from './core/schedule.ts'
import { failure } from './core/verdicts.ts'

/** Looks at the inputs, then calls `/run`. Never throws. */
export async function dispatch(
  job: Job,
  attempt: Attempt,
  bucket: R2Bucket,
  settings: Settings | null,
): Promise<Fact> {
  const ref = refOf(attempt)
  const refused = (code: string, message: string, retryable: boolean): Fact => ({
    type: 'dispatchRefused',
    ref,
    failure: failure(code, message, retryable),
    retryAfterMs: null,
  })
  const publicUrl = settings?.publicUrl ?? job.request.devOrigin
  if (!settings?.runpodEndpoint || !settings.runpodApiKey || !publicUrl) {
    return refused(
      'not_configured',
      'RUNPOD_ENDPOINT, RUNPOD_API_KEY and PUBLIC_URL must be set to dispatch.',
      false,
    )
  }
  let seen: SeenInputs
  try {
    seen = await within(CALL_LIMITS.storeMs, () => seeInputs(bucket, job.request))
  } catch {
    return refused('storage_unavailable', 'Storage did not answer when the input was looked for.', true)
  }
  if (!seen.ok)
    return refused('input_not_found', `There is no ${seen.missing} in this project's storage.`, false)
  const body = runBody(job, attempt, seen, publicUrl, settings.authSecrets[0])
  const answer = await run({ endpoint: settings.runpodEndpoint, apiKey: settings.runpodApiKey }, body)
  return factOf(answer, ref)
}

function factOf(answer: RunAnswer, ref: { round: number; attempt: number }): Fact {
  switch (answer.kind) {
    case 'accepted':
      return { type: 'dispatched', ref, runpodJobId: answer.runpodJobId }
    case 'refused':
      return {
        type: 'dispatchRefused',
        ref,
        failure: answer.failure,
        retryAfterMs: answer.retryAfterMs,
        inputsSeen: true,
      }
    case 'ambiguous':
      return { type: 'dispatchAmbiguous', ref, detail: answer.detail }
  }
}

/** The body of `POST /run`. Every URL and the token die with the attempt's ttl; the output PUT is create-once. */
function runBody(
  job: Job,
  attempt: Attempt,
  { input, assets }: Extract<SeenInputs, { ok: true }>,
  publicUrl: string,
  secret: string,
): JsonObject {
  const { request } = job
  const { startedAt, ttlEndsAt, outputKey } = attempt
  const ref = refOf(attempt)
  const get = (file: OwnedFile) => `${publicUrl}${downloadPath(secret, file, startedAt, ttlEndsAt)}`
  const put = { type: request.output.contentType, project: String(request.projectId), once: '1' }
  const inParts: FileClaims = {
    kind: 'file',
    key: outputKey,
    contentType: request.output.contentType,
    sizeBytes: null,
    projectId: request.projectId,
    jobId: request.id,
  }
  return {
    input: {
      job_id: request.id,
      round: ref.round,
      attempt: ref.attempt,
      type: request.type,
      params: request.params,
      metadata: request.metadata,
      input_video_key: request.inputVideoKey,
      input_url: get(input),
      assets: Object.fromEntries(assets.map((asset) => [asset.key, get(asset)])),
      output: {
        video_key: outputKey,
        content_type: request.output.contentType,
        put_url: `${publicUrl}${uploadPath(secret, outputKey, put, ttlEndsAt)}`,
        multipart_url: `${publicUrl}${companionPath(secret, inParts, ttlEndsAt)}`,
      },
      callback_url: `${publicUrl}/api/jobs/${request.id}/do`,
      callback_token: callbackToken(secret, request.id, ref, ttlEndsAt),
    },
    webhook: `${publicUrl}${webhookPath(secret, request.id, ref, ttlEndsAt)}`,
    policy: { executionTimeout: request.policy.executionTimeoutMs, ttl: ttlMs(request.policy) },
  }
}

/**
 * Sends one attempt to RunPod: its inputs are checked first; the request contains all the worker needs, and no R2 key.
 */

import { type RunAnswer, run } from '../../runpod/client.ts'
import { type ActorEnv, maxUploadBytes } from '../../shared/env.ts'
import type { OwnedFile } from '../../shared/owned-file.ts'
import type { Settings } from '../../shared/settings.ts'
import { callbackToken, downloadPath, uploadPath, webhookPath } from '../../shared/signing.ts'
import { companionPath, type FileClaims } from '../../shared/upload-token.ts'
import { withTimeout } from '../../shared/with-timeout.ts'
import { posterKeyOf, refOf } from '../core/attempts.ts'
import type { Effect, Fact } from '../core/events.ts'
import type { Attempt, Job, JsonObject, RefusalCause } from '../core/job.ts'
import { CALL_LIMITS, ttlMs } from '../core/policy.ts'
import { failure } from '../core/verdicts.ts'
import { tellOutcome } from './place.ts'
import { type SeenInputs, seeInputs } from './videos.ts'

/** A poster 1280 pixels wide, as our workers make it, has a tenth of this size. */
const MAX_POSTER_BYTES = 5_000_000

/** The settings that every dispatch requires. */
interface Means {
  readonly apiKey: string
  readonly publicUrl: string
  readonly secret: string
}

/** Returns a sentence about the missing settings instead, if there are any. */
export function meansOf(settings: Settings | null, { request }: Job): Means | string {
  const publicUrl = settings?.publicUrl ?? request.devOrigin
  const absent = [
    ...(settings?.endpoints.size ? [] : ['RUNPOD_ENDPOINT']),
    ...(settings?.runpodApiKey ? [] : ['RUNPOD_API_KEY']),
    ...(publicUrl ? [] : ['PUBLIC_URL']),
  ]
  if (!settings?.runpodApiKey || !publicUrl || absent.length > 0)
    return `${absent.join(', ')} must be set to dispatch.`
  return { apiKey: settings.runpodApiKey, publicUrl, secret: settings.authSecrets[0] }
}

/**
 * Checks the inputs, calls `/run`, and notifies the lane of the outcome where it needs that. RunPod's id is returned
 * without waiting for the lane. Never throws.
 */
export async function dispatch(
  job: Job,
  effect: Extract<Effect, { type: 'dispatch' }>,
  env: ActorEnv,
  settings: Settings | null,
): Promise<Fact> {
  const { attempt, endpoint } = effect
  const ref = refOf(attempt)
  const tell = (answer: RunAnswer | null) =>
    tellOutcome(effect, answer, job, env.LANE.getByName(endpoint.name))
  const refused = (cause: RefusalCause, code: string, message: string): Fact => ({
    type: 'dispatchRefused',
    ref,
    failure: failure(code, message, cause !== 'job'),
    cause,
    retryAfterMs: null,
  })
  // A grant can outlive the settings at the time of its request.
  const means = meansOf(settings, job)
  if (typeof means === 'string') {
    await tell(null)
    return refused('deployment', 'not_configured', means)
  }
  let seen: SeenInputs
  try {
    seen = await withTimeout(CALL_LIMITS.storeMs, () => seeInputs(env, job.request))
  } catch {
    await tell(null)
    return refused('storage', 'storage_unavailable', 'Storage did not answer when the input was looked for.')
  }
  if (!seen.ok) {
    await tell(null)
    return refused('job', 'input_not_found', seen.detail)
  }
  const body = runBody(job, attempt, seen, { ...means, maxInputBytes: maxUploadBytes(env) })
  const answer = await run({ endpoint: endpoint.url, apiKey: means.apiKey }, body)
  const notified = tell(answer)
  // A refusal leads to the return of the place, so the lane must be notified first.
  if (answer.kind !== 'accepted') await notified
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
        cause: answer.cause,
        retryAfterMs: answer.retryAfterMs,
        inputsSeen: true,
      }
    case 'ambiguous':
      return { type: 'dispatchAmbiguous', ref, detail: answer.detail }
  }
}

/** The body of `POST /run`. Every URL and the token expire with the attempt's ttl; the output PUT is create-once. */
function runBody(
  job: Job,
  attempt: Attempt,
  { input, assets }: Extract<SeenInputs, { ok: true }>,
  { publicUrl, secret, maxInputBytes }: Means & { maxInputBytes: number },
): JsonObject {
  const { request } = job
  const { startedAt, ttlEndsAt, outputKey } = attempt
  const ref = refOf(attempt)
  const get = (file: OwnedFile) => `${publicUrl}${downloadPath(secret, file, startedAt, ttlEndsAt)}`
  const owned = { project: String(request.projectId), once: '1' }
  const put = { ...owned, type: request.output.contentType }
  const poster = { ...owned, type: 'image/jpeg', most: String(MAX_POSTER_BYTES) }
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
      input_video_key: request.inputVideoKey || null,
      ...(input
        ? { input_url: get(input) }
        : {
            input_url: request.inputVideoUrl?.whole ?? null,
            input_is_external: true,
            input_max_bytes: maxInputBytes,
          }),
      assets: Object.fromEntries(assets.map((asset) => [asset.key, get(asset)])),
      output: {
        video_key: outputKey,
        content_type: request.output.contentType,
        put_url: `${publicUrl}${uploadPath(secret, outputKey, put, ttlEndsAt)}`,
        multipart_url: `${publicUrl}${companionPath(secret, inParts, ttlEndsAt)}`,
        poster_put_url: `${publicUrl}${uploadPath(secret, posterKeyOf(outputKey), poster, ttlEndsAt)}`,
      },
      callback_url: `${publicUrl}/api/jobs/${request.id}/do`,
      line_url: `${publicUrl.replace(/^http/, 'ws')}/api/jobs/${request.id}/do/ws`,
      callback_token: callbackToken(secret, request.id, ref, ttlEndsAt),
    },
    webhook: `${publicUrl}${webhookPath(secret, request.id, ref, ttlEndsAt)}`,
    policy: { executionTimeout: request.policy.executionTimeoutMs, ttl: ttlMs(request.policy) },
  }
}

/** The request of a caller and its limits. Plain data, as all types of a job. */
import type { JsonObject } from '../../../wire/json.ts'

/** Limits that the caller may set for one job; defaults and bounds are applied when the request is parsed. */
export interface Limits {
  readonly maxAttempts: number
  readonly queueTimeoutMs: number
  readonly stallTimeoutMs: number
  readonly executionTimeoutMs: number
  readonly deadlineMs: number
  readonly retentionMs: number
}

/** The policy that the caller may choose for one job. */
export interface Policy extends Limits {
  /** Its name in the settings; absent for the one named `default`. */
  readonly endpoint?: string
  /** Within the project, -10 … 10; absent for 0. */
  readonly priority?: number
  /** The most GPU time of all attempts of a round; absent without a limit. */
  readonly maxGpuMs?: number
}

/** A RunPod endpoint, as configured when an attempt was sent there. */
export interface Endpoint {
  readonly name: string
  /** `https://api.runpod.ai/v2/<id>`, without a trailing slash. */
  readonly url: string
  /** In the deployment's currency; null where none was set. */
  readonly pricePerSecond: number | null
}

/** The accepted request. Never changes after `create`. */
export interface JobRequest {
  readonly id: string
  readonly projectId: number
  readonly type: string
  readonly params: JsonObject
  readonly metadata: JsonObject
  readonly tags: readonly string[]
  /** Empty if the input is an external URL. */
  readonly inputVideoKey: string
  /** External input URL in place of a key. `whole` grants access and is sent to the worker only. Absent with a key. */
  readonly inputVideoUrl?: { readonly whole: string; readonly shown: string }
  /** R2 keys referenced in `params`; the worker receives a signed URL for each. */
  readonly assets: readonly string[]
  /** Extension and type of the stored result. */
  readonly output: { readonly extension: string; readonly contentType: string }
  readonly policy: Policy
  /** The receiver of messages, and the requested events; null without a webhook. */
  readonly webhook: { readonly url: string; readonly events: readonly string[] } | null
  /** SHA-256 of the request body: distinguishes a repeat from another request under the same idempotency key. */
  readonly requestHash: string
  /** The caller’s subject; absent in jobs of an earlier version. */
  readonly createdBy?: string
  /** Random, and different for each job created under the same id; absent in jobs of an earlier version. */
  readonly life?: string
  /** When it was accepted, equal to the value in the first D1 row, so that list and job agree. */
  readonly createdAt: number
  /** Development only: the origin used while PUBLIC_URL is not set. */
  readonly devOrigin: string | null
}

/**
 * The RPC types between the Worker and the actor: closed, plain-data unions. Expected refusals are values, never
 * exceptions. Fields are only ever added, so that a Worker and an actor of different versions remain compatible.
 *
 * `command` takes every command, and reads take an `Ask`. A deploy updates Worker and actors within seconds of each
 * other, not simultaneously, so the previous shapes are kept for one release. The next one drops `former-verbs.ts` with
 * `test/actor/rpc-versions.test.ts`, and everything marked "former" here, in `export-job.ts` and in `src`.
 */

import type { RefusalCode } from './core/events.ts'
import type { JobStatus } from './core/job.ts'
import type { Erasure } from './effects/job-row.ts'

/** The conditions of a call: its caller's project, If-Match, and the HTTP request that it belongs to. */
export interface Ask {
  /** The project that the caller is confined to: other jobs do not exist for it. Null for none. */
  readonly projectId: number | null
  /** The header If-Match; null when it was not sent. */
  readonly ifMatch: string | null
  /** The id of the HTTP request that this belongs to, for the log. */
  readonly requestId: string | null
}

export interface LogPage {
  readonly after: number
  readonly limit: number
}

/**
 * JSON text of a JobJson. The actor returns text, because it is serialised once for HTTP and sockets alike, and an open
 * `params` object would defeat the types of an RPC stub.
 */
export type JobText = string

/** `status` is absent from a former actor. */
export type CreateAnswer =
  | { ok: true; created: boolean; requestHash: string; job: JobText; status?: JobStatus }
  | { ok: false; code: 'job_deleting'; detail: string; retryAfterSeconds: number }

/**
 * `erasure`: the job is being deleted, `job` is null, and its row is to be hidden.
 * `job_changed`: If-Match names a state that the job no longer has.
 */
export type CommandAnswer =
  | { ok: true; job: JobText; status: JobStatus }
  | { ok: true; job: null; erasure: Erasure | null }
  | { ok: false; code: RefusalCode | 'job_changed'; detail: string }

/** `cancel`: the worker should stop. Also true when there is no job. */
export type ReportAnswer = { ok: true; cancel: boolean } | { ok: false; code: RefusalCode; detail: string }

export type ViewAnswer =
  /** `etag`: of the text; `ended`: only a command can change the job. A former actor omits the optional fields. */
  | {
      found: true
      job: JobText
      version: number
      seq: number
      etag?: string
      projectId?: number
      ended?: boolean
    }
  | { found: false; deleting: boolean }

/** JSON text of `EventJson[]`, oldest first. */
export type EventsAnswer =
  /** `next`: the number of the last line of the page, or `after`; absent from a former actor. */
  { found: true; events: string; next?: number; firstSeq: number; lastSeq: number } | { found: false }

/** JSON text of an `ActorJson`: the internal state for operators. */
export type InspectAnswer =
  | { found: true; projectId: number; inspection: string }
  | { found: false; deleting: boolean }

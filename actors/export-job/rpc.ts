/**
 * What crosses between the Worker and the actor: closed, plain-data unions. Expected refusals are values, never
 * exceptions. Fields are only ever added, so that a Worker and an actor of two versions understand each other.
 */
import type { Erasure } from '../mirror.ts'
import type { RefusalCode } from './core/events.ts'

/**
 * JSON text of a JobJson. The actor answers with text: it is serialised once for HTTP and sockets alike, and an open
 * `params` object would defeat the types of an RPC stub.
 */
export type JobText = string

export type CreateAnswer =
  | { ok: true; created: boolean; requestHash: string; job: JobText }
  | { ok: false; code: 'job_deleting'; detail: string; retryAfterSeconds: number }

/**
 * `erasure`: the job is being deleted, and its row is to be hidden; an actor of an earlier version leaves it out.
 * `job_changed`: the caller demanded a version that the job no longer has.
 */
export type CommandAnswer =
  | { ok: true; job: JobText | null; erasure?: Erasure }
  | { ok: false; code: RefusalCode | 'job_changed'; detail: string }

/** `cancel`: the worker should stop. A job that is gone answers so too. */
export type ReportAnswer = { ok: true; cancel: boolean } | { ok: false; code: RefusalCode; detail: string }

export type ViewAnswer =
  /** `etag`: of the text; an actor of an earlier version leaves it to the Worker. */
  | { found: true; job: JobText; version: number; seq: number; etag?: string }
  | { found: false; deleting: boolean }

/** JSON text of `EventJson[]`, oldest first. */
export type EventsAnswer =
  | { found: true; events: string; firstSeq: number; lastSeq: number }
  | { found: false }

/** JSON text of an `ActorJson`: the actor opened up for an operator. */
export type InspectAnswer =
  | { found: true; projectId: number; inspection: string }
  | { found: false; deleting: boolean }

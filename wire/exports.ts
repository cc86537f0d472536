/**
 * `Exports`, the entrypoint for other Workers of the same account, by RPC through a service binding. It returns the
 * same answers as HTTP, without a token: the `props` of the binding identify the caller and its rights.
 */
import type { CancelledInstead, CreatedJob, DeletedJob, EventsPage, JobJson, JobPage } from './job.ts'
import type { FieldError } from './problem.ts'
import type { CreateJobRequest, EventsQuery, ListQuery } from './requests.ts'
import type { Scope } from './tokens.ts'

/** `props` of the binding, required for every call. */
export interface ExportsProps {
  /** The only project it reaches; null for all. */
  project_id: number | null
  scopes: readonly Scope[]
  /** Identifies the caller in the event log; by default `binding`. */
  name?: string
}

/** A refusal, with the code of the problem that HTTP would return. */
export interface Refused {
  ok: false
  status: number
  code: string
  detail: string
  errors: FieldError[]
  /** When to try again; null when that cannot help. */
  retry_after_seconds: number | null
  request_id: string
}

/** Refusals are returned as values: a thrown error means that there was no answer. */
export type Answer<T> = { ok: true; value: T } | Refused

/**
 * The binding for its caller. Besides these methods it has `fetch`: an upgrade of `/api/jobs/:id/ws`, with `?after=` as
 * over HTTP, returns the socket of a watch.
 */
export interface ExportsBinding {
  /** A repeated key never creates a second job. */
  create(input: CreateJobRequest, options?: { idempotencyKey?: string }): Promise<Answer<CreatedJob>>
  get(id: string): Promise<Answer<JobJson>>
  list(query?: ListQuery): Promise<Answer<JobPage>>
  cancel(id: string): Promise<Answer<JobJson>>
  /** @param options ETag of the expected state, as over HTTP */
  retry(id: string, options?: { ifMatch?: string }): Promise<Answer<JobJson>>
  /** Deletes an ended job; cancels an active one instead, which the answer contains. */
  remove(id: string, options?: { ifMatch?: string }): Promise<Answer<DeletedJob | CancelledInstead>>
  events(id: string, query?: EventsQuery): Promise<Answer<EventsPage>>
}

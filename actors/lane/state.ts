/** The data types of a lane: places lent, waiting jobs, the turns of projects, the breaker and the pause. */

/** Identifies an ask of a job: a place is lent for one dispatch of one round. */
export interface PlaceRef {
  readonly jobId: string
  readonly round: number
  readonly dispatch: number
}

export interface Ask extends PlaceRef {
  /** The version of the asking commit: distinguishes a new ask from one in transit while its place was returned. */
  readonly version: number
  readonly projectId: number
  /** -10 … 10, within the project. */
  readonly priority: number
  /** The ask expires at this instant: the attempt's ttl, or the job's deadline while it waits. */
  readonly until: number
}

export interface Place extends Ask {
  readonly grantedAt: number
  /** In memory only: when the job was last queried about it; null before. */
  readonly checkedAt: number | null
}

export interface Waiter extends Ask {
  readonly since: number
  /** Since when a place has been reserved for it; null without one. */
  readonly offeredAt: number | null
  /** It did not ask after an offer, or could not be reached: passed over until it asks again. */
  readonly passedOver: boolean
  /** In memory only: when it was last passed over, or called without an offer; null before. */
  readonly calledAt: number | null
}

/** The cause of a refusal by RunPod: 401, 402, 403 and 404 are the deployment's. */
export type RefusalCause = 'deployment' | 'runpod'

export interface Refusal {
  readonly cause: RefusalCause
  /** HTTP status; null when the answers were ambiguous. */
  readonly status: number | null
  readonly detail: string
  readonly retryAfterMs: number | null
}

export interface OpenBreaker {
  readonly openedAt: number
  /** No job is sent before this instant. */
  readonly until: number
  /** Refusals in a row; each doubles the pause. */
  readonly strikes: number
  readonly refusal: Refusal
  /** The job sent as a probe. */
  readonly probe: { readonly key: string; readonly at: number } | null
}

/** A period during which the breaker was open. */
export interface Outage {
  readonly openedAt: number
  readonly closedAt: number
  readonly strikes: number
  /** The last refusal. */
  readonly refusal: Refusal
}

export interface Pause {
  readonly by: string
  readonly reason: string
  readonly at: number
}

export interface Lane {
  readonly places: ReadonlyMap<string, Place>
  readonly waiters: ReadonlyMap<string, Waiter>
  /** The turn of each waiting project; the lowest is next. */
  readonly turns: ReadonlyMap<number, number>
  readonly breaker: OpenBreaker | null
  /** The most recent ones, oldest first. */
  readonly outages: readonly Outage[]
  /** Ambiguous answers in a row. */
  readonly ambiguous: number
  readonly pause: Pause | null
}

export const EMPTY_LANE: Lane = {
  places: new Map(),
  waiters: new Map(),
  turns: new Map(),
  breaker: null,
  outages: [],
  ambiguous: 0,
  pause: null,
}

export function keyOf({ jobId, round, dispatch }: PlaceRef): string {
  return `${jobId}/${round}-${dispatch}`
}

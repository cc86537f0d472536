/**
 * The data types of an export job: its request, its attempts, its phase and its outbox.
 *
 * Everything here is plain data, so that a job can be stored as JSON, sent over RPC and compared in a test.
 * Instants end in `At` and are milliseconds since 1970; durations end in `Ms`.
 *
 *   pending ──► queued ──► processing ──► complete
 *      ▲  │        │           │    │
 *      │  └────────┴───────────┘    └──► error
 *      │     a retryable failure          ▲
 *      └──────────────────────────────────┘ (attempts used up)
 *   any unfinished status ──► cancelling ──► cancelled
 *   any ended status ──► deleting ──► gone,   or after retention ──► gone
 *
 * `deleting` and `gone` are never shown: to a reader, the job does not exist.
 */

import type { AttentionReason } from '../../../wire/admin.ts'
import type { AttemptRef, DoneBy, ReportKind } from '../../../wire/events.ts'
import type { JobStatus } from '../../../wire/job.ts'
import type { JsonObject } from '../../../wire/json.ts'
import type { Endpoint, JobRequest, Limits, Policy } from './request.ts'

export type { AttemptRef, DoneBy, Endpoint, JobRequest, JobStatus, JsonObject, Limits, Policy, ReportKind }

export interface Failure {
  /** Stable, machine-readable: `stalled`, `worker_error`, … */
  readonly code: string
  /** One sentence for a person. */
  readonly message: string
  readonly retryable: boolean
}

/** The position of a job that waits for a place at its endpoint. */
export interface QueuePlace {
  /** Exports ahead of it, and how many of them belong to its own project. */
  readonly ahead: number
  readonly aheadOfProject: number
  readonly asOf: number
  /** An operator has paused the endpoint. */
  readonly paused: boolean
  /** For people, as a sentence. */
  readonly reason: string
}

/** A place at an endpoint, requested or lent: returned once the attempt no longer needs it. */
export interface OwedPlace {
  readonly next: AttemptRef
  /** The name of the endpoint, whose lane lends it. */
  readonly endpoint: string
  /** A message that the lane has not acknowledged yet: the place is returned, or was taken without a grant. */
  readonly tell: (Owed & { readonly what: 'release' | 'took' }) | null
}

/** The lane's permission to send the next attempt. */
export interface Grant {
  readonly endpoint: Endpoint
  /** The lane needs to be notified whether RunPod accepted the attempt. */
  readonly tellOutcome: boolean
  /** The endpoint has a limit, so that the place must be returned. */
  readonly isLent: boolean
}

/** What caused a dispatch to fail: only `job` counts as an attempt. */
export type RefusalCause = 'job' | 'deployment' | 'runpod' | 'storage'

/** Refused dispatches in a row, which do not count as attempts. */
export interface Refusals {
  readonly since: number
  /** Of the last one; `times` counts the last ones in a row with this code. */
  readonly code: string
  readonly times: number
  /** All in a row, with any code: determines the pause. */
  readonly tries: number
}

/**
 * The state of the attempt's job at RunPod. `unknown`: `/run` was sent but its answer was not (yet) committed. `live`:
 * it exists under `runpodJobId`. `ended`: it no longer runs, or never started.
 */
export type Remote = 'unknown' | 'live' | 'ended'

export interface OwedCancel {
  readonly askedAt: number
  readonly dueAt: number
  readonly tries: number
  /** True once the outcome of a try was stored: a try without one may have been lost in a crash. */
  readonly isAnswered?: true
  readonly confirmedAt: number | null
}

/**
 * A run at RunPod that reports under an attempt's token without being the attempt's current run: a second job of one
 * `/run`, or a finished request that RunPod runs again, under the same id or another one.
 */
export interface Stray {
  readonly runpodJobId: string
  readonly cancel: OwedCancel
}

/** Reports are numbered from 1 by each `instance`: one process that works on one attempt. */
export interface ReportNumber {
  readonly n: number
  /** Null if the worker sent none. */
  readonly instance: string | null
}

/** The WebSocket over which the worker reports. */
export interface Line {
  /** Since when it has been lost; null while it is open. */
  readonly lostAt: number | null
  /** How often RunPod was queried because of the loss; while open, 1 if it was queried because of a silence. */
  readonly asks: number
}

export interface Attempt extends AttemptRef {
  readonly outputKey: string
  /**
   * Where it is polled, cancelled and priced. Absent in attempts of an earlier version: then the endpoint named
   * `default`.
   */
  readonly endpoint?: Endpoint
  /** Committed before `/run` is called. */
  readonly startedAt: number
  /** RunPod deletes the job at its ttl even if it runs; the attempt's signed URLs and token expire then too. */
  readonly ttlEndsAt: number
  readonly runpodJobId: string | null
  readonly remote: Remote
  readonly remoteEndedAt: number | null
  readonly queuedAt: number | null
  readonly runningAt: number | null
  /** When the job stopped waiting for the attempt, and why (null for the winner). */
  readonly endedAt: number | null
  readonly failure: Failure | null
  /** Its dispatch was refused for a cause outside the job: it does not count towards `max_attempts`. */
  readonly uncounted?: boolean
  readonly usage: Usage | null
  /** Set once the run at RunPod must be cancelled. */
  readonly cancel: OwedCancel | null
  /** Input and assets were found in the project before `/run`; absent where RunPod's answer implies it. */
  readonly inputsSeen?: boolean
  /** The first source of its completion; absent until then. */
  readonly doneBy?: DoneBy
  /** The highest number of its worker's reports so far; absent if they are not numbered. */
  readonly said?: ReportNumber
  /** Runs under its token that the job does not wait for; absent until the first one reports. */
  readonly strays?: readonly Stray[]
  /** Reports that came after it was closed, by kind. */
  readonly late: Readonly<Record<ReportKind, number>>
}

/** RunPod's own figures for one attempt. */
export interface Usage {
  readonly delayMs: number | null
  readonly executionMs: number | null
  readonly workerId: string | null
}

export interface Progress {
  /** 0–100, never falls within an attempt. */
  readonly percent: number
  readonly stage: string | null
  readonly message: string | null
  readonly etaMs: number | null
  readonly reportedAt: number | null
}

/** Counts of RunPod's `/health`, kept to explain why a job waits in the queue. */
export interface EndpointHealth {
  readonly seenAt: number
  readonly idle: number
  readonly running: number
  readonly throttled: number
  readonly initializing: number
  /** Absent in data stored by an older version. */
  readonly unhealthy?: number
  readonly inQueue: number
}

export type Phase =
  | {
      readonly status: 'pending'
      readonly step: 'waiting'
      readonly nextAttemptAt: number
      /** Why the last attempt failed; null before the first. */
      readonly failure: Failure | null
      /** `owed`: the last attempt may have left a finished file, so R2 is checked before another attempt is sent. */
      readonly look: 'owed' | 'done'
      readonly lookTries: number
      /** No attempt is left: after the look the job ends. */
      readonly exhausted: boolean
    }
  | {
      readonly status: 'pending'
      readonly step: 'asking'
      readonly since: number
      readonly askAt: number
      /** Consecutive asks without a grant. */
      readonly tries: number
      /** Why the last attempt failed; null before the first. */
      readonly failure: Failure | null
      /** What the settings lack, as a sentence; null when nothing is known to be missing. */
      readonly missing: string | null
      /** Consecutive asks that the endpoint's lane did not answer. */
      readonly silences: number
      /** The last answer of the lane; null before the first, and after a grant. */
      readonly queue: QueuePlace | null
      /** Asks again immediately after the current answer, because a place has become free in the meantime. */
      readonly hurried: boolean
      /** Where the next attempt may be sent; in memory only, since it is committed with the attempt. */
      readonly granted: Grant | null
    }
  | {
      readonly status: 'pending'
      readonly step: 'dispatching'
      /** Without an answer or a report by this instant, the attempt is written off. */
      readonly graceUntil: number
      readonly ambiguous: boolean
    }
  | {
      readonly status: 'queued'
      readonly since: number
      readonly checkAt: number
      readonly checks: number
      readonly pollFailures: number
      readonly timeoutAt: number
      readonly health: EndpointHealth | null
    }
  | {
      readonly status: 'processing'
      readonly step: 'running'
      readonly since: number
      readonly stallAt: number
      readonly pollFailures: number
      readonly timeoutAt: number
      /** Absent while the worker reports by POST alone. */
      readonly line?: Line
    }
  | {
      readonly status: 'processing'
      readonly step: 'verifying'
      readonly since: number
      readonly lookAt: number
      /** Checks that did not find the output. */
      readonly misses: number
      readonly lookFailures: number
    }
  | { readonly status: 'cancelling'; readonly askedAt: number; readonly giveUpAt: number }
  | {
      readonly status: 'complete'
      readonly endedAt: number
      readonly output: StoredObject
      readonly winner: AttemptRef
      readonly expiresAt: number
    }
  | {
      readonly status: 'error'
      readonly endedAt: number
      readonly failure: Failure
      readonly expiresAt: number
    }
  | {
      readonly status: 'cancelled'
      readonly askedAt: number
      readonly endedAt: number
      readonly confirmed: boolean
      readonly expiresAt: number
    }
  | { readonly status: 'deleting'; readonly dueAt: number; readonly tries: number; readonly until: number }
  | { readonly status: 'gone' }

export interface StoredObject {
  readonly key: string
  readonly size: number
  readonly etag: string
  /** Key of the poster; absent if there is none. */
  readonly posterKey?: string
}

/** An outward action that the alarm repeats, with backoff, until it is acknowledged. */
export interface Owed {
  readonly dueAt: number
  readonly tries: number
}

/** The columns of the job's row from which D1 derives its counters, as of the last acknowledged write. */
export interface Counted {
  readonly status: JobStatus
  readonly round: number
  readonly attempt: number
  readonly finished_at: number | null
  readonly gpu_seconds: number
  readonly wasted_seconds: number
  readonly webhooks_taken: number
  readonly webhooks_failed: number
}

export interface Outbox {
  /** The version that the D1 row must reach at least. */
  readonly mirror: (Owed & { readonly version: number }) | null
  readonly mirroredAt: number | null
  /** The columns last counted in D1; absent before the first write, and in jobs of an earlier version. */
  readonly counted?: Counted
  /** Files under `output/<id>/` other than the winner's; `last`: the removal after the last PUT URL has expired. */
  readonly sweep: (Owed & { readonly last: boolean }) | null
  /** Retention: remove the videos and mark the D1 row archived. */
  readonly archive: Owed | null
  /** Places requested or lent; absent before the first. */
  readonly places?: readonly OwedPlace[]
  readonly webhooks: readonly OwedWebhook[]
  /** The newest settled messages, kept for redelivery by hand. */
  readonly webhooksSettled: readonly WebhookMessage[]
  /** The receiver answered 410: no more messages are sent to it. */
  readonly webhooksRefused: boolean
}

export interface WebhookMessage {
  /** Identifies the message to its receiver, the same for every try. */
  readonly id: string
  readonly event: string
  /** When the event happened. */
  readonly at: number
  /** The payload: the job as of the event, in the names of the API, without constant fields. */
  readonly told: JsonObject
}

/** `tries` counts those that failed. */
export type OwedWebhook = WebhookMessage & Owed

/** Guards against an alarm that wakes far more often than the clocks explain. */
export interface Breaker {
  readonly level: number
  readonly at: number
  readonly tripped: boolean
  readonly strikes: number
}

export interface Job {
  readonly request: JobRequest
  /** Counts commits; a write to the D1 row never replaces a newer version. */
  readonly version: number
  readonly savedAt: number
  readonly round: number
  readonly roundStartedAt: number
  /** Set by an operator: the deadline of this round in place of the one from its policy. */
  readonly extendedDeadlineAt?: number
  readonly phase: Phase
  /** Every attempt of every round, oldest first; the oldest settled ones are dropped above a limit. */
  readonly attempts: readonly Attempt[]
  readonly progress: Progress
  /** While dispatches are refused; absent before the first. */
  readonly refusals?: Refusals | null
  readonly outbox: Outbox
  /** The reason for an operator to look at the job, and since when; absent before the first. */
  readonly attention?: { readonly reason: AttentionReason; readonly since: number } | null
  /** Tries of webhooks by outcome; absent before the first. */
  readonly deliveries?: { readonly taken: number; readonly failed: number }
  readonly breaker: Breaker
}

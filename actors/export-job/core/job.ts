/**
 * The nouns of an export job: what was asked for, its attempts, its phase, and what it owes the outside.
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
 * `deleting` and `gone` are never shown to anyone: a reader is told that there is no such job.
 */

import type { AttemptRef, DoneBy, ReportKind } from '../../../wire/events.ts'
import type { JobStatus } from '../../../wire/job.ts'
import type { JsonObject } from '../../../wire/json.ts'

export type { AttemptRef, DoneBy, JobStatus, JsonObject, ReportKind }

/** Limits the caller may set for one job; resolved and bounded at the edge. */
export interface Policy {
  readonly maxAttempts: number
  readonly queueTimeoutMs: number
  readonly stallTimeoutMs: number
  readonly executionTimeoutMs: number
  readonly deadlineMs: number
  readonly retentionMs: number
}

/** What was asked for. Never changes after `create`. */
export interface JobRequest {
  readonly id: string
  readonly projectId: number
  readonly type: string
  readonly params: JsonObject
  readonly metadata: JsonObject
  readonly tags: readonly string[]
  readonly inputVideoKey: string
  /** R2 keys named inside `params`; the worker gets a signed URL for each. */
  readonly assets: readonly string[]
  /** How the result is to be stored. */
  readonly output: { readonly extension: string; readonly contentType: string }
  readonly policy: Policy
  /** Who is told of which events; null when nobody asked. */
  readonly webhook: { readonly url: string; readonly events: readonly string[] } | null
  /** SHA-256 of the request body: tells a repeat from another request under the same idempotency key. */
  readonly requestHash: string
  /** Random, another for each job that is made under the same id; absent in jobs of an earlier version. */
  readonly life?: string
  /** When it was accepted, by the clock that also wrote the birth row: list and job say the same. */
  readonly createdAt: number
  /** Development only: the origin that stands in for PUBLIC_URL when that is unset. */
  readonly devOrigin: string | null
}

export interface Failure {
  /** Stable, machine-readable: `stalled`, `worker_error`, … */
  readonly code: string
  /** One sentence for a person. */
  readonly message: string
  readonly retryable: boolean
}

/**
 * What is known of the attempt's job at RunPod. `unknown`: `/run` was sent but its answer was not (yet) committed.
 * `live`: it exists under `runpodJobId`. `ended`: it is known not to run any more, or never to have started.
 */
export type Remote = 'unknown' | 'live' | 'ended'

export interface OwedCancel {
  readonly askedAt: number
  readonly dueAt: number
  readonly tries: number
  readonly confirmedAt: number | null
}

/**
 * A run at RunPod that reports under an attempt's token though it is not, or no longer, the attempt's own: a second job
 * of one `/run`, or a finished request that RunPod runs again, under the same id or another one.
 */
export interface Stray {
  readonly runpodJobId: string
  readonly cancel: OwedCancel
}

export interface Attempt extends AttemptRef {
  readonly outputKey: string
  /** Committed before `/run` is called. */
  readonly startedAt: number
  /** RunPod deletes the job at its ttl even if it runs; the attempt's signed URLs and token die then too. */
  readonly ttlEndsAt: number
  readonly runpodJobId: string | null
  readonly remote: Remote
  readonly remoteEndedAt: number | null
  readonly queuedAt: number | null
  readonly runningAt: number | null
  /** When it stopped being the attempt we wait for, and why (null for the winner). */
  readonly endedAt: number | null
  readonly failure: Failure | null
  readonly usage: Usage | null
  /** Set when RunPod must be told to stop it. */
  readonly cancel: OwedCancel | null
  /** Input and assets were seen to be the project's before `/run`; absent where RunPod's answer shows it anyway. */
  readonly inputsSeen?: boolean
  /** Who first said that it is done; absent until then. */
  readonly doneBy?: DoneBy
  /** Runs under its token that nobody waits for; absent until the first reports. */
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

/** Counts of RunPod's `/health`, kept to say why a job waits in the queue. */
export interface EndpointHealth {
  readonly seenAt: number
  readonly idle: number
  readonly running: number
  readonly throttled: number
  readonly initializing: number
  readonly inQueue: number
}

export type Phase =
  | {
      readonly status: 'pending'
      readonly step: 'waiting'
      readonly nextAttemptAt: number
      /** Why the last attempt failed; null before the first. */
      readonly failure: Failure | null
      /** `owed`: the last attempt may have left a finished file, so R2 is asked before another is paid for. */
      readonly look: 'owed' | 'done'
      readonly lookTries: number
      /** No attempt is left: after the look the job ends. */
      readonly exhausted: boolean
    }
  | {
      readonly status: 'pending'
      readonly step: 'dispatching'
      /** Without an answer or a report by then the attempt is written off. */
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
    }
  | {
      readonly status: 'processing'
      readonly step: 'verifying'
      readonly since: number
      readonly lookAt: number
      /** Looks that found nothing. */
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

export type PhaseOf<S extends Phase['status']> = Extract<Phase, { status: S }>

export interface StoredObject {
  readonly key: string
  readonly size: number
  readonly etag: string
}

/** A promise to the outside that is kept by the alarm, with backoff, until it is acknowledged. */
export interface Owed {
  readonly dueAt: number
  readonly tries: number
}

export interface Outbox {
  /** The D1 row must come to carry at least this version. */
  readonly mirror: (Owed & { readonly version: number }) | null
  readonly mirroredAt: number | null
  /** Files under `output/<id>/` other than the winner's; `last`: the look after the last PUT URL has expired. */
  readonly sweep: (Owed & { readonly last: boolean }) | null
  /** Retention: remove the videos and mark the D1 row archived. */
  readonly archive: Owed | null
  readonly webhooks: readonly OwedWebhook[]
  /** The newest messages of which nothing is owed any more, for those who want one again. */
  readonly webhooksSettled: readonly WebhookMessage[]
  /** The receiver answered 410: nothing more is sent to it. */
  readonly webhooksRefused: boolean
}

export interface WebhookMessage {
  /** Identifies the message to its receiver, the same for every try. */
  readonly id: string
  readonly event: string
  /** When the event happened. */
  readonly at: number
  /** The job as it was then, in the names of the API, without what never changes. */
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
  /** Counts commits of the row; the mirror never goes backwards on it. */
  readonly version: number
  readonly savedAt: number
  readonly round: number
  readonly roundStartedAt: number
  /** An operator gave this round longer than its policy does. */
  readonly extendedDeadlineAt?: number
  readonly phase: Phase
  /** Every attempt of every round, oldest first; the oldest settled ones are dropped above a limit. */
  readonly attempts: readonly Attempt[]
  readonly progress: Progress
  readonly outbox: Outbox
  /** Tries of webhooks, by how they ended; absent before the first. */
  readonly deliveries?: { readonly taken: number; readonly failed: number }
  readonly breaker: Breaker
}

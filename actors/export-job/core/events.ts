/**
 * What may happen to a job, what it may ask for, and what a decision consists of.
 */
import type { LogLine } from '../../../wire/events.ts'
import type { Attempt, AttemptRef, EndpointHealth, Failure, Job, StoredObject, Usage } from './job.ts'

/** Commands may be refused, by a value. Facts are never refused, only ignored when stale. */
export type Event = Command | Fact

/** Who asks, and why in their own words; the log keeps both. */
export interface Asker {
  readonly by: string
  readonly why?: string
}

export type Command =
  | ({ readonly type: 'cancel' } & Asker)
  | ({ readonly type: 'retry' } & Asker)
  | ({ readonly type: 'delete' } & Asker)
  | ({ readonly type: 'redeliver'; readonly id: string } & Asker)
  | Intervention

/** What only an operator may ask for. */
export type Intervention =
  /** The next attempt at once: without its backoff, or, of an ended job, in a new round. */
  | ({ readonly type: 'retryNow' } & Asker)
  | ({ readonly type: 'forceFail' } & Asker)
  /** Ask RunPod now about everything of this job that may run there. */
  | ({ readonly type: 'recheck' } & Asker)
  /** Write the D1 row again. */
  | ({ readonly type: 'rewriteRow' } & Asker)
  | ({ readonly type: 'extendDeadline'; readonly deadlineAt: number } & Asker)

export type Report =
  | {
      readonly type: 'progressed'
      readonly ref: AttemptRef
      readonly percent: number
      readonly stage: string | null
      readonly message: string | null
      readonly etaMs: number | null
      readonly runpodJobId: string | null
    }
  | {
      readonly type: 'completed'
      readonly ref: AttemptRef
      readonly outputKey: string | null
      readonly runpodJobId: string | null
    }
  | {
      readonly type: 'failed'
      readonly ref: AttemptRef
      readonly failure: Failure
      readonly runpodJobId: string | null
    }

/** What `/status` or RunPod's webhook says of one of its jobs. `gone`: 404. */
export interface Observation {
  readonly state: 'queued' | 'running' | 'completed' | 'failed' | 'cancelled' | 'timed_out' | 'gone'
  readonly error: string | null
  /** What a handler returned beside its error, as it said it. */
  readonly code?: string | null
  readonly retryable?: boolean | null
  readonly usage: Usage | null
}

export type Fact =
  | { readonly type: 'wake' }
  | Report
  | { readonly type: 'dispatched'; readonly ref: AttemptRef; readonly runpodJobId: string }
  | {
      readonly type: 'dispatchRefused'
      readonly ref: AttemptRef
      readonly failure: Failure
      readonly retryAfterMs: number | null
      /** The input and every asset had been found before; absent when they were not, or were not looked for. */
      readonly inputsSeen?: true
    }
  | { readonly type: 'dispatchAmbiguous'; readonly ref: AttemptRef; readonly detail: string }
  | {
      readonly type: 'observed'
      readonly ref: AttemptRef
      readonly source: 'poll' | 'webhook'
      readonly runpodJobId: string | null
      readonly observation: Observation
      readonly health: EndpointHealth | null
    }
  | { readonly type: 'pollFailed'; readonly ref: AttemptRef }
  | {
      readonly type: 'cancelAnswered'
      readonly ref: AttemptRef
      readonly runpodJobId: string
      readonly answer: CancelAnswer
    }
  | { readonly type: 'outputSeen'; readonly ref: AttemptRef; readonly object: StoredObject }
  | { readonly type: 'outputAbsent'; readonly ref: AttemptRef }
  | { readonly type: 'lookFailed'; readonly ref: AttemptRef }
  | { readonly type: 'mirrored'; readonly version: number }
  | { readonly type: 'mirrorFailed' }
  | { readonly type: 'swept' }
  | { readonly type: 'sweepFailed' }
  | { readonly type: 'archived' }
  | { readonly type: 'archiveFailed' }
  | { readonly type: 'erased' }
  | { readonly type: 'eraseFailed' }
  | { readonly type: 'delivered'; readonly id: string; readonly status: number; readonly latencyMs: number }
  | {
      readonly type: 'deliveryFailed'
      readonly id: string
      readonly status: number | null
      readonly latencyMs: number
      readonly detail: string
      readonly gone: boolean
      readonly retryAfterMs: number | null
    }
  /** The sweep found the D1 row behind, or asks for it to be written again. */
  | { readonly type: 'remirror' }

/** `ended`: RunPod says cancelled or final. `missing`: 404. `unconfirmed`: anything else. */
export type CancelAnswer =
  | { readonly kind: 'ended'; readonly usage: Usage | null }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unconfirmed' }

/** Calls that can fail. Alarm, log line and broadcast follow from every commit and are not effects. */
export type Effect =
  | { readonly type: 'dispatch'; readonly attempt: Attempt }
  | {
      readonly type: 'poll'
      readonly ref: AttemptRef
      readonly runpodJobId: string
      readonly withHealth: boolean
    }
  | { readonly type: 'cancelRemote'; readonly ref: AttemptRef; readonly runpodJobId: string }
  | { readonly type: 'look'; readonly ref: AttemptRef; readonly outputKey: string }
  | { readonly type: 'mirror' }
  | { readonly type: 'sweepOutputs'; readonly keep: string | null }
  | { readonly type: 'archive' }
  | { readonly type: 'erase' }
  | { readonly type: 'deliver'; readonly id: string }

/** What the caller of a command or report is told. `cancel`: the worker should stop. */
export type Reply =
  | { readonly ok: true; readonly cancel: boolean }
  | { readonly ok: false; readonly code: RefusalCode; readonly detail: string }

export type RefusalCode =
  | 'job_not_found'
  | 'job_active'
  | 'job_complete'
  | 'job_deleting'
  | 'archived'
  | 'too_many_rounds'
  | 'output_key_mismatch'
  | 'job_cancelled'
  | 'job_ended'
  | 'nothing_to_ask'
  | 'deadline_not_later'
  | 'deadline_too_late'
  | 'no_webhook'
  | 'delivery_not_found'

export interface Step {
  readonly job: Job
  readonly effects: readonly Effect[]
  readonly log: readonly LogLine[]
  readonly reply: Reply
  /** False: the change may live in memory until the next durable one (progress, leases of repeatable calls). */
  readonly durable: boolean
}

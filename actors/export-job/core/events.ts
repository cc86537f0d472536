/** The events and effects of a job, and the step that a decision results in. */
import type { Asked, DoneBy, LogLine, RunSource } from '../../../wire/events.ts'
import type {
  Attempt,
  AttemptRef,
  Counted,
  Endpoint,
  EndpointHealth,
  Failure,
  Grant,
  Job,
  OwedPlace,
  Progress,
  QueuePlace,
  RefusalCause,
  StoredObject,
  Usage,
} from './job.ts'

/** Commands may be refused, by a value. Facts are never refused; stale ones are ignored. */
export type Event = Command | Fact

/** The requester of a command, and an optional reason in free text; the log contains both. */
export interface Requester {
  readonly by: string
  readonly why?: string
}

/** The requester in the form of the log. */
export function actorData({ by, why }: Requester): Asked {
  return why === undefined ? { by } : { by, reason: why }
}

export type Command =
  | ({ readonly type: 'cancel' } & Requester)
  | ({ readonly type: 'retry' } & Requester)
  | ({ readonly type: 'delete' } & Requester)
  | ({ readonly type: 'redeliver'; readonly id: string } & Requester)
  | Intervention

/** Commands that only operators may give. */
export type Intervention =
  /** Starts the next attempt at once: without its backoff or, for an ended job, in a new round. */
  | ({ readonly type: 'retryNow' } & Requester)
  | ({ readonly type: 'forceFail' } & Requester)
  /** Gives up the attempt; the next one follows at once. */
  | ({ readonly type: 'giveUpAttempt'; readonly ref: AttemptRef } & Requester)
  /** Queries RunPod now about every run of this job that may exist there. */
  | ({ readonly type: 'recheck' } & Requester)
  /** Write the D1 row again. */
  | ({ readonly type: 'rewriteRow' } & Requester)
  | ({ readonly type: 'extendDeadline'; readonly deadlineAt: number } & Requester)

/** The number of a report, the worker process that sent it, and its transport. */
interface Numbered {
  /** Absent or null if the worker numbers no reports. */
  readonly n?: number | null
  readonly instance?: string | null
  /** Received over the worker's line. */
  readonly byLine?: true
}

export type Report = Said & Numbered

type Said =
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
      /** What the result lacks, as a sentence; absent from a former Worker. */
      readonly message?: string | null
      readonly runpodJobId: string | null
    }
  | {
      readonly type: 'failed'
      readonly ref: AttemptRef
      readonly failure: Failure
      readonly runpodJobId: string | null
    }

/** The state of a RunPod job, from `/status` or RunPod's webhook. `gone`: 404. */
export interface Observation {
  readonly state: 'queued' | 'running' | 'completed' | 'failed' | 'cancelled' | 'timed_out' | 'gone'
  readonly error: string | null
  /** Returned by the handler beside its error, unchanged. */
  readonly code?: string | null
  readonly retryable?: boolean | null
  readonly usage: Usage | null
}

export type Fact =
  | { readonly type: 'wake' }
  | AttemptFact
  | AskAnswered
  | Paid
  | Failed
  /** The cron sweep found the D1 row overdue: it is written again. */
  | { readonly type: 'rowOverdue' }

/** The answer to `ask`, about the next attempt. */
export type AskAnswered =
  | ({ readonly type: 'placeGranted'; readonly next: AttemptRef } & Grant)
  /** The endpoint has a limit: a place is owed from the next commit on. */
  | { readonly type: 'placeNeeded'; readonly next: AttemptRef; readonly endpoint: string }
  | {
      readonly type: 'placeWaiting'
      readonly next: AttemptRef
      readonly endpoint: string
      readonly queue: QueuePlace
      readonly askAgainAt: number
    }
  /** The lane ignored the request as older than the job's last release. */
  | { readonly type: 'placeStale'; readonly next: AttemptRef }
  /** The lane did not answer; `overloaded`: it rejected the call because of its load. */
  | ({ readonly type: 'laneSilent'; readonly next: AttemptRef; readonly overloaded: boolean } & Pick<
      Grant,
      'endpoint' | 'isLent'
    >)
  /** The lane has reserved a place, or a watcher needs the current queue position: the request is repeated now. */
  | { readonly type: 'askDue'; readonly next: AttemptRef }
  /** The settings lack the endpoint or its key: `missing` is a sentence. */
  | { readonly type: 'notConfigured'; readonly next: AttemptRef; readonly missing: string }

/** A fact about one attempt: the fence decides whether it counts. */
export type AttemptFact =
  | Report
  | { readonly type: 'dispatched'; readonly ref: AttemptRef; readonly runpodJobId: string }
  | {
      readonly type: 'dispatchRefused'
      readonly ref: AttemptRef
      readonly failure: Failure
      readonly cause: RefusalCause
      readonly retryAfterMs: number | null
      /** The input and every asset were found before; absent if they were not, or not checked. */
      readonly inputsSeen?: true
    }
  | { readonly type: 'dispatchAmbiguous'; readonly ref: AttemptRef; readonly detail: string }
  /** The answer to `weigh`. */
  | { readonly type: 'dispatchWeighed'; readonly ref: AttemptRef; readonly counts: boolean }
  | {
      readonly type: 'observed'
      readonly ref: AttemptRef
      readonly source: 'poll' | 'webhook'
      readonly runpodJobId: string | null
      readonly observation: Observation
      readonly health: EndpointHealth | null
    }
  | { readonly type: 'pollFailed'; readonly ref: AttemptRef }
  | LineSeen
  /** The worker's line closed without a reason. */
  | { readonly type: 'lineLost'; readonly ref: AttemptRef }
  | { readonly type: 'outputSeen'; readonly ref: AttemptRef; readonly object: StoredObject }
  | { readonly type: 'outputAbsent'; readonly ref: AttemptRef }
  | { readonly type: 'lookFailed'; readonly ref: AttemptRef }

/** What an open line keeps through hibernation: the instant of the worker's last message, and its last report. */
export type LineSeen = Readonly<
  { type: 'lineSeen'; ref: AttemptRef; at: number; n: number | null; instance: string | null } & Pick<
    Progress,
    'percent' | 'message' | 'etaMs' | 'reportedAt'
  >
>

/**
 * The input of a state: a fact that has passed the fence, without its origin. A report, a poll and RunPod's webhook
 * yield the same three signals about a run: it is `running`, `done` or `failed`.
 */
export type Signal =
  | Exclude<AttemptFact, { type: 'observed' | 'completed' | 'failed' }>
  | { readonly type: 'queued'; readonly health: EndpointHealth | null }
  | { readonly type: 'running'; readonly source: RunSource }
  | { readonly type: 'done'; readonly source: DoneBy; readonly message: string | null }
  | { readonly type: 'failed'; readonly failure: Failure; readonly source: RunSource }

/** The data of the answer to each debt, besides its name: when it is paid, and when it failed. */
interface DebtAnswers {
  readonly archive: [paid: unknown, failed: unknown]
  readonly erase: [paid: unknown, failed: unknown]
  readonly cancels: [paid: Run & { answer: Exclude<CancelAnswer, { kind: 'unconfirmed' }> }, failed: Run]
  readonly mirror: [paid: { version: number; counted?: Counted }, failed: unknown]
  readonly places: [
    paid: { next: AttemptRef; what: NonNullable<OwedPlace['tell']>['what'] },
    failed: { next: AttemptRef },
  ]
  readonly staleFiles: [paid: unknown, failed: unknown]
  readonly webhooks: [
    paid: Tried & { status: number },
    failed: Tried & { status: number | null; detail: string; gone: boolean; retryAfterMs: number | null },
  ]
}
type Run = { ref: AttemptRef; runpodJobId: string }
type Tried = { id: string; latencyMs: number }

export type DebtName = keyof DebtAnswers
export type Paid<D extends DebtName = DebtName> = {
  [K in D]: Readonly<{ type: 'debtPaid'; debt: K } & DebtAnswers[K][0]>
}[D]
export type Failed<D extends DebtName = DebtName> = {
  [K in D]: Readonly<{ type: 'debtFailed'; debt: K } & DebtAnswers[K][1]>
}[D]

/** `ended`: RunPod reports it cancelled or final. `missing`: 404. `unconfirmed`: anything else. */
export type CancelAnswer =
  | { readonly kind: 'ended'; readonly usage: Usage | null }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unconfirmed' }

/** Calls that can fail. The alarm, log lines and broadcasts follow from every commit and are not effects. */
export type Effect =
  /** Whether the next attempt may be sent to this endpoint now. */
  | { readonly type: 'ask'; readonly next: AttemptRef; readonly endpoint: string; readonly isOwed: boolean }
  /** Notifies the lane of a place that was returned, or taken without a grant. */
  | { readonly type: 'tellLane'; readonly place: OwedPlace; readonly version: number }
  /** Whether an ambiguous attempt without a report counts. */
  | { readonly type: 'weigh'; readonly ref: AttemptRef; readonly endpoint: string; readonly sentAt: number }
  | {
      readonly type: 'dispatch'
      readonly attempt: Attempt
      readonly endpoint: Endpoint
      readonly tellOutcome: boolean
    }
  /** `endpoint` of a poll and of a cancel: the attempt's own; null for attempts of an earlier version. */
  | {
      readonly type: 'poll'
      readonly ref: AttemptRef
      readonly endpoint: Endpoint | null
      readonly runpodJobId: string
      readonly withHealth: boolean
    }
  | {
      readonly type: 'cancelRemote'
      readonly ref: AttemptRef
      readonly endpoint: Endpoint | null
      readonly runpodJobId: string
    }
  | { readonly type: 'look'; readonly ref: AttemptRef; readonly outputKey: string }
  | { readonly type: 'mirror' }
  | { readonly type: 'sweepOutputs'; readonly keep: readonly string[] }
  | { readonly type: 'archive' }
  | { readonly type: 'erase' }
  | { readonly type: 'deliver'; readonly id: string }

/** The answer to a command or a report. `cancel`: the worker should stop. */
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
  | 'attempt_not_open'
  | 'no_attempt_left'
  | 'deadline_not_later'
  | 'deadline_too_late'
  | 'no_webhook'
  | 'delivery_not_found'

export interface Step {
  readonly job: Job
  readonly effects: readonly Effect[]
  readonly log: readonly LogLine[]
  readonly reply: Reply
  /** False: the change may stay in memory until the next durable one (progress, leases of repeatable calls). */
  readonly durable: boolean
}

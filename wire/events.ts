/**
 * The event log of a job: every type of line with its data. Lines written by an earlier version stay in a job's log, so
 * fields are only ever added, and readers must accept unknown types.
 *
 * Names are those of the JSON: instants are RFC 3339 and end in `_at`, durations end in `_seconds` or `_ms`.
 */
import type { JobFailure, JobStatus } from './job.ts'

/** The attempt that a line refers to. */
export interface AttemptRef {
  readonly round: number
  readonly attempt: number
}

/** The first source that reported a run: the worker's report, RunPod's webhook, or a poll of RunPod. */
export type RunSource = 'report' | 'webhook' | 'poll'
/** The first source that reported an attempt as done; `look`: the output file itself was found. */
export type DoneBy = RunSource | 'look'
export type ReportKind = 'progress' | 'complete' | 'error'

/** The operator's name, and their reason. */
export type Asked = { by: string; reason?: string }
/** A message to the job's `webhook_url`, by its `webhook-id`, and its event. */
export type Delivery = { delivery: string; event: string }
/** One delivery attempt; `status` is null when there was no answer. */
type Tried = Delivery & { tries: number; status: number | null; latency_ms: number }
type None = Record<string, never>

interface Line<Type extends string, Ref extends AttemptRef | null, Data> {
  readonly type: Type
  /** Null when the line refers to the job as a whole. */
  readonly ref: Ref
  readonly data: Data
}

/** One line of the append-only event log, before it gets a number and an instant. */
export type LogLine =
  /** `by` is absent from lines of an earlier version. */
  | Line<'created', null, { type: string; by?: string }>
  /** The endpoint has no free place, accepts no jobs, or is paused; logged once, when the wait begins. */
  | Line<'place_awaited', null, { endpoint: string; detail: string }>
  /** The endpoint's lane did not answer, so that the attempt was sent without a place. */
  | Line<'lane_bypassed', null, { endpoint: string }>
  /** `detail`: what prevents the next attempt from being sent. */
  | Line<'dispatch_held', null, { detail: string }>
  | Line<'attempt_started', AttemptRef, { max_attempts: number }>
  /** `/run` was sent, but its outcome is not known. */
  | Line<'dispatch_ambiguous', AttemptRef, { detail: string }>
  | Line<'queued', AttemptRef, { runpod_job_id: string | null }>
  | Line<'processing', AttemptRef, { stage: string | null; source: RunSource }>
  | Line<'stage', AttemptRef, { stage: string }>
  /** The worker's connection closed, and neither it nor a report was back in time: RunPod is polled. */
  | Line<'line_lost', AttemptRef, { lost_at: string }>
  /** The attempt was reported as done, and its file is looked up. `message`: what the result lacks. */
  | Line<'verifying', AttemptRef, { source: DoneBy; message?: string }>
  /** The finished file of an attempt that had been given up was found. */
  | Line<'output_found', AttemptRef, None>
  /**
   * `next_attempt_at` is set when another attempt follows; `counts` is false when it does not count towards
   * `max_attempts`; `by` and `reason` are set when an operator gave it up.
   */
  | Line<
      'attempt_failed',
      AttemptRef,
      JobFailure & { source?: RunSource; next_attempt_at?: string; counts?: boolean } & Partial<Asked>
    >
  /** How many consecutive dispatches were refused in the same way; only the first one has lines of its own. */
  | Line<'refused_again', null, { code: string; times: number; since_at: string }>
  /** A report of a closed attempt, which changed nothing. */
  | Line<'late_report', AttemptRef, { kind: ReportKind; runpod_job_id?: string }>
  | Line<'complete', AttemptRef, { output_video_key: string; size_bytes: number }>
  | Line<'error', null, JobFailure>
  | Line<'cancelled', null, { confirmed: boolean }>
  | Line<'cancel_requested', null, Asked>
  | Line<'cancel_unconfirmed', AttemptRef, None>
  | Line<'cancel_confirmed', null, None>
  | Line<'retried', null, Asked & { round: number }>
  | Line<'retry_hurried', null, Asked>
  | Line<'force_failed', AttemptRef | null, Asked>
  | Line<'recheck_requested', null, Asked>
  | Line<'remirror_requested', null, Asked>
  | Line<'deadline_extended', null, Asked & { deadline_at: string }>
  | Line<'deleting', null, Asked>
  /** The alarm fired far too often; its wake-ups are now spaced by at least this. */
  | Line<'wakes_throttled', null, { spacing_seconds: number }>
  | Line<'webhook_delivered', null, Tried>
  | Line<'webhook_failed', null, Tried & { detail: string; next_try_at: string }>
  /** The receiver refuses all further messages of this job (410). */
  | Line<'webhook_refused', null, Tried & { detail: string }>
  /** Without `status` when it was given up in favour of newer messages. */
  | Line<
      'webhook_given_up',
      null,
      Delivery & { tries: number; detail: string; status?: number | null; latency_ms?: number }
    >
  | Line<'webhook_redelivery_requested', null, Delivery & Asked>

export type LogType = LogLine['type']
/** The lines of these types. */
export type LineOf<Type extends LogType> = Extract<LogLine, { type: Type }>

/** Types that are also a status of the job: the possible events of a webhook. */
export type WebhookEvent = Extract<LogType, JobStatus>

type Numbered<L extends LogLine> = L extends LogLine
  ? {
      seq: number
      type: L['type']
      at: string
      /** Of the line's attempt; null when the line refers to the job as a whole. */
      round: number | null
      attempt: number | null
      data: L['data']
    }
  : never

/** One line of a job's log in REST, WebSocket and SSE. Numbered from 1 without gaps; progress is not logged. */
export type EventJson<Type extends LogType = LogType> = Numbered<LineOf<Type>>

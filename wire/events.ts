/**
 * The event log of a job: every type of line with its data. Lines written by an earlier version stay in the log of a
 * job, so data are only ever added to, and a reader of a log must expect types that it does not know.
 *
 * Names are those of JSON: instants are RFC 3339 and end in `_at`, durations end in `_seconds` or `_ms`.
 */
import type { JobFailure, JobStatus } from './job.ts'

/** Which attempt a line is about. */
export interface AttemptRef {
  readonly round: number
  readonly attempt: number
}

/** Who first said something of a run: the worker's report, RunPod's webhook, or RunPod when it was asked. */
export type RunSource = 'report' | 'webhook' | 'poll'
/** Who first said that an attempt is done; `look`: the file itself was found. */
export type DoneBy = RunSource | 'look'
export type ReportKind = 'progress' | 'complete' | 'error'

/** Who asked, and why in their own words. */
export type Asked = { by: string; reason?: string }
/** A message to the job's `webhook_url`, by its `webhook-id`, and the event that it is about. */
export type Delivery = { delivery: string; event: string }
/** One try of a message; `status` is null when no answer came. */
type Tried = Delivery & { tries: number; status: number | null; latency_ms: number }
type None = Record<string, never>

interface Line<Type extends string, Ref extends AttemptRef | null, Data> {
  readonly type: Type
  /** Null where the line is about the job as a whole. */
  readonly ref: Ref
  readonly data: Data
}

/** One line of the append-only event log, before it has a number and an instant. */
export type LogLine =
  | Line<'created', null, { type: string }>
  | Line<'attempt_started', AttemptRef, { max_attempts: number }>
  /** `/run` was sent, and whether RunPod took it is not known. */
  | Line<'dispatch_ambiguous', AttemptRef, { detail: string }>
  | Line<'queued', AttemptRef, { runpod_job_id: string | null }>
  | Line<'processing', AttemptRef, { stage: string | null; source: RunSource }>
  | Line<'stage', AttemptRef, { stage: string }>
  /** It is said to be done; the file is looked for. */
  | Line<'verifying', AttemptRef, { source: DoneBy }>
  /** A finished file of an attempt that had been given up. */
  | Line<'output_found', AttemptRef, None>
  /** `next_attempt_at` where another attempt follows. */
  | Line<'attempt_failed', AttemptRef, JobFailure & { source?: RunSource; next_attempt_at?: string }>
  /** A report of an attempt that is closed; it changed nothing. */
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
  /** The alarm rang far too often; its wakes are held this far apart. */
  | Line<'wakes_throttled', null, { spacing_seconds: number }>
  | Line<'webhook_delivered', null, Tried>
  | Line<'webhook_failed', null, Tried & { detail: string; next_try_at: string }>
  /** The receiver wants nothing more of this job (410). */
  | Line<'webhook_refused', null, Tried & { detail: string }>
  /** Without an answer when it was given up for newer messages. */
  | Line<
      'webhook_given_up',
      null,
      Delivery & { tries: number; detail: string; status?: number | null; latency_ms?: number }
    >
  | Line<'webhook_redelivery_requested', null, Delivery & Asked>

export type LogType = LogLine['type']
/** The line, or lines, of these types. */
export type LineOf<Type extends LogType> = Extract<LogLine, { type: Type }>

/** Types that are also a status that a job comes to: what a webhook can be about. */
export type WebhookEvent = Extract<LogType, JobStatus>

type Numbered<L extends LogLine> = L extends LogLine
  ? {
      seq: number
      type: L['type']
      at: string
      /** Of the attempt that the line is about; null where it is about the job as a whole. */
      round: number | null
      attempt: number | null
      data: L['data']
    }
  : never

/** One line of a job's log, as REST, WebSocket and SSE show it. Numbered from 1 without gaps; progress is not in it. */
export type EventJson<Type extends LogType = LogType> = Numbered<LineOf<Type>>

/**
 * Decides which facts about an attempt count. A report that does not count is logged once for each kind, counted, and
 * answered with the order to stop.
 */
import type { LineOf } from '../../../wire/events.ts'
import {
  findAttempt,
  isWinner,
  latestAttempt,
  openAttempt,
  refOf,
  replaceAttempt,
  sameRef,
} from './attempts.ts'
import type { Draft } from './draft.ts'
import { settleCancelling } from './endings.ts'
import type { AttemptFact, Reply, Report } from './events.ts'
import type { Attempt, Job, ReportKind } from './job.ts'
import { isBetweenAttempts } from './phase.ts'
import { oweCancel, oweStray, runsAfterAll } from './remote.ts'

const KIND = { progressed: 'progress', completed: 'complete', failed: 'error' } as const satisfies Record<
  Report['type'],
  ReportKind
>

/** The answer to the report of a run that the job does not wait for. */
export const STOP: Reply = { ok: true, cancel: true }

export type Fenced =
  /** The job has no such attempt. */
  | { readonly verdict: 'unknown'; readonly attempt: null }
  /**
   * `foreign`: a second RunPod job under one attempt's token, an orphan. `open`: the attempt that the job waits for.
   * `welcome`: a completion of the last attempt, before the next one is committed. `overtaken`: a later report of the
   * same worker arrived first. `late`: any other.
   */
  | { readonly verdict: 'foreign' | 'open' | 'welcome' | 'overtaken' | 'late'; readonly attempt: Attempt }

export function fence(job: Job, event: AttemptFact): Fenced {
  const attempt = findAttempt(job, event.ref)
  if (!attempt) return { verdict: 'unknown', attempt }
  if (isForeign(attempt, event)) return { verdict: 'foreign', attempt }
  if (isReport(event) && isOvertaken(attempt, event)) return { verdict: 'overtaken', attempt }
  if (openAttempt(job) === attempt) return { verdict: 'open', attempt }
  const waits = isBetweenAttempts(job.phase) && latestAttempt(job) === attempt
  return { verdict: waits && saysDone(event) ? 'welcome' : 'late', attempt }
}

/** The id in the answer of `/run` is always the attempt's own, even if a report named another id before. */
function isForeign({ runpodJobId }: Attempt, event: AttemptFact): boolean {
  if (event.type === 'dispatched' || !('runpodJobId' in event)) return false
  return event.runpodJobId !== null && runpodJobId !== null && event.runpodJobId !== runpodJobId
}

/**
 * Compared by number, which is shared by line and POST. An end is never ignored by its number if either worker is
 * unidentified: they may be different ones.
 */
function isOvertaken({ said }: Attempt, { type, n, instance }: Report): boolean {
  if (said === undefined || n == null || n >= said.n) return false
  if (instance == null || said.instance === null) return type === 'progressed'
  return instance === said.instance
}

/** Keeps the highest number of the current worker in memory; stored with the next commit. */
export function keepNumber(
  draft: Draft,
  attempt: Attempt,
  { n, instance = null }: { n?: number | null; instance?: string | null },
): void {
  if (n == null) return
  const { said } = attempt
  const isOther = instance !== null && instance !== said?.instance
  if (said && said.n >= n && !isOther) return
  const next = { n, instance: instance ?? said?.instance ?? null }
  draft.lease({ attempts: replaceAttempt(draft.job.attempts, attempt, { said: next }) })
}

/**
 * The report is ignored and no cancel is owed for it; the worker of a closed attempt still receives the order to stop.
 */
export function overtakenReport(draft: Draft, attempt: Attempt): void {
  if (openAttempt(draft.job) !== attempt) draft.reply = STOP
}

/** Whether a report, RunPod or a check of storage indicates completion. */
function saysDone(event: AttemptFact): boolean {
  if (event.type === 'observed') return event.observation.state === 'completed'
  return ['completed', 'outputSeen', 'outputAbsent', 'lookFailed'].includes(event.type)
}

export function isReport(event: AttemptFact): event is Report {
  return event.type in KIND
}

/** A fact about a closed attempt; an answer from RunPod that it does not run may end a cancel. */
export function lateFact(draft: Draft, attempt: Attempt, event: AttemptFact): void {
  if (event.type === 'observed' || event.type === 'dispatchRefused') settleCancelling(draft)
  else if (isReport(event) && !isRepeat(draft.job, attempt, event)) closedReport(draft, attempt, event)
}

/**
 * True for a repeated completion of the winner, an error of the winner after it, and a repeat of the error that failed
 * the attempt. Progress is never a repeat: its worker is running, and RunPod may run a finished request again.
 */
function isRepeat(job: Job, attempt: Attempt, event: Report): boolean {
  if (event.type === 'progressed') return false
  if (isWinner(job, attempt)) return true
  return (
    event.type === 'failed' &&
    attempt.failure !== null &&
    attempt.late.error === 0 &&
    attempt.remote === 'ended'
  )
}

function closedReport(draft: Draft, attempt: Attempt, event: Report): void {
  // A handler that reports its end returns by itself; only one that continues must be stopped.
  if (event.type === 'progressed') {
    runsAfterAll(draft, attempt)
    const isOver = findAttempt(draft.job, attempt)?.remote === 'ended' || isWinner(draft.job, attempt)
    if (isOver) oweStray(draft, attempt, event.runpodJobId ?? attempt.runpodJobId)
    else oweCancel(draft, attempt)
  }
  draft.reply = STOP
  const latest = latestAttempt(draft.job)
  const isLatest = latest !== null && sameRef(latest, attempt)
  if (draft.job.phase.status !== 'cancelling' || !isLatest) noteLate(draft, attempt, event)
}

/** A run that reports its end needs no cancel, since it returns by itself. */
export function foreignReport(draft: Draft, attempt: Attempt, event: Report): void {
  if (event.type === 'progressed') oweStray(draft, attempt, event.runpodJobId)
  draft.reply = STOP
  noteLate(draft, attempt, event)
}

/** One log line per attempt and kind; repeats are only counted, without a write. */
function noteLate(draft: Draft, attempt: Attempt, event: Report): void {
  const kind = KIND[event.type]
  const count = attempt.late[kind] + 1
  const late = { ...attempt.late, [kind]: count }
  draft.lease({ attempts: replaceAttempt(draft.job.attempts, attempt, { late }) })
  if (count > 1) return
  const data: LineOf<'late_report'>['data'] = { kind }
  if (event.runpodJobId) data.runpod_job_id = event.runpodJobId
  draft.note({ type: 'late_report', ref: refOf(attempt), data })
}

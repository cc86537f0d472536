/**
 * Reports of GPU workers. Only the open attempt's count; a report of a closed attempt is logged once for each kind,
 * counted, and told to stop.
 */
import type { LineOf, RunSource } from '../../../wire/events.ts'
import { giveUp, latestAttempt, openAttempt } from './attempts.ts'
import { type Draft, replaceAttempt, sameRef } from './draft.ts'
import type { Report } from './events.ts'
import type { Attempt, DoneBy, Job, ReportKind } from './job.ts'
import { adopt, findAttempt, oweCancel, oweStray, refOf, remoteEnded, runsAfterAll } from './remote.ts'

const KIND = { progressed: 'progress', completed: 'complete', failed: 'error' } as const satisfies Record<
  Report['type'],
  ReportKind
>

export function report(draft: Draft, event: Report): void {
  const attempt = findAttempt(draft.job, event.ref)
  if (!attempt) {
    draft.reply = { ok: true, cancel: true }
    return
  }
  if (event.type === 'completed' && event.outputKey !== null && event.outputKey !== attempt.outputKey) {
    draft.reply = {
      ok: false,
      code: 'output_key_mismatch',
      detail: `The output of this attempt is ${attempt.outputKey}.`,
    }
    return
  }
  // A second RunPod job under one attempt's token is an orphan that nobody waits for.
  const stranger =
    event.runpodJobId !== null && attempt.runpodJobId !== null && event.runpodJobId !== attempt.runpodJobId
  if (stranger) return strangersReport(draft, attempt, event)
  adopt(draft, attempt, event.runpodJobId)
  if (isWelcome(draft, attempt, event)) return openReport(draft, attempt, event)
  if (isRepeat(draft, attempt, event)) return
  closedReport(draft, attempt, event)
}

/** An attempt that was given up may still complete until the next one is committed or the job ends. */
function isWelcome(draft: Draft, attempt: Attempt, event: Report): boolean {
  const { phase } = draft.job
  const open = openAttempt(draft.job)
  if (open && sameRef(open, attempt)) return true
  const latest = latestAttempt(draft.job)
  const waiting = phase.status === 'pending' && phase.step === 'waiting'
  return event.type === 'completed' && waiting && latest !== null && sameRef(latest, attempt)
}

/**
 * The winner's completion said again, or its error said after that; the error that failed the attempt, said again.
 * Progress is never a repeat: whoever reports it runs, and RunPod may run a finished request again.
 */
function isRepeat(draft: Draft, attempt: Attempt, event: Report): boolean {
  if (event.type === 'progressed') return false
  if (isWinner(draft.job, attempt)) return true
  return (
    event.type === 'failed' &&
    attempt.failure !== null &&
    attempt.late.error === 0 &&
    attempt.remote === 'ended'
  )
}

function isWinner({ phase }: Job, attempt: Attempt): boolean {
  return phase.status === 'complete' && sameRef(phase.winner, attempt)
}

function openReport(draft: Draft, attempt: Attempt, event: Report): void {
  switch (event.type) {
    case 'progressed':
      return progressed(draft, attempt, event)
    case 'completed':
      return verify(draft, attempt, 'report')
    case 'failed': {
      // The handler is about to return: there is nothing left to cancel.
      remoteEnded(draft, attempt, null)
      const { phase } = draft.job
      // Its word that it stored the file came first: R2 decides.
      if (phase.status === 'processing' && phase.step === 'verifying') return
      return giveUp(draft, attempt, event.failure, { source: 'report' })
    }
  }
}

function progressed(draft: Draft, attempt: Attempt, event: Extract<Report, { type: 'progressed' }>): void {
  const { now, job } = draft
  const { phase, progress } = job
  if (phase.status === 'processing' && phase.step === 'verifying') return
  const changedStage = event.stage !== null && event.stage !== progress.stage
  draft.progress({
    percent: Math.max(progress.percent, Math.min(100, Math.max(0, event.percent))),
    stage: event.stage ?? progress.stage,
    message: event.message ?? (changedStage ? null : progress.message),
    etaMs: event.etaMs,
    reportedAt: now,
  })
  const stallAt = now + job.request.policy.stallTimeoutMs
  if (phase.status !== 'processing') return enterRunning(draft, attempt, 'report')
  draft.lease({ phase: { ...phase, stallAt, pollFailures: 0 } })
  if (changedStage) draft.note({ type: 'stage', ref: refOf(attempt), data: { stage: event.stage } })
}

/** A worker runs the attempt: by its first report, or because RunPod says so. */
export function enterRunning(draft: Draft, attempt: Attempt, source: RunSource): void {
  const { now } = draft
  const { stallTimeoutMs, executionTimeoutMs } = draft.job.request.policy
  draft.attempt(attempt, { runningAt: now })
  draft.enter({
    status: 'processing',
    step: 'running',
    since: now,
    stallAt: now + stallTimeoutMs,
    pollFailures: 0,
    timeoutAt: now + executionTimeoutMs,
  })
  draft.note({ type: 'processing', ref: refOf(attempt), data: { stage: draft.job.progress.stage, source } })
}

/** Someone says that it is done: believed once R2 shows the file. */
export function verify(draft: Draft, attempt: Attempt, doneBy: DoneBy): void {
  const { now, job } = draft
  const { phase } = job
  if (phase.status === 'processing' && phase.step === 'verifying') return
  draft.attempt(attempt, { runningAt: attempt.runningAt ?? now, endedAt: null, failure: null, doneBy })
  draft.progress({ ...job.progress, stage: 'storing', message: null, etaMs: null })
  draft.enter({
    status: 'processing',
    step: 'verifying',
    since: now,
    lookAt: now,
    misses: 0,
    lookFailures: 0,
  })
  draft.note({ type: 'verifying', ref: refOf(attempt), data: { source: doneBy } })
}

function closedReport(draft: Draft, attempt: Attempt, event: Report): void {
  // A handler that reports its end returns by itself; only one that goes on must be stopped.
  if (event.type === 'progressed') {
    runsAfterAll(draft, attempt)
    const isOver = findAttempt(draft.job, attempt)?.remote === 'ended' || isWinner(draft.job, attempt)
    if (isOver) oweStray(draft, attempt, event.runpodJobId ?? attempt.runpodJobId)
    else oweCancel(draft, attempt)
  }
  draft.reply = { ok: true, cancel: true }
  const { phase } = draft.job
  const latest = latestAttempt(draft.job)
  const beingCancelled = phase.status === 'cancelling' && latest !== null && sameRef(latest, attempt)
  if (!beingCancelled) lateReport(draft, attempt, event)
}

/** One that reports its end returns by itself. */
function strangersReport(draft: Draft, attempt: Attempt, event: Report): void {
  if (event.type === 'progressed') oweStray(draft, attempt, event.runpodJobId)
  lateReport(draft, attempt, event)
}

/** One log line for each attempt and kind; repeats are only counted, and cost no write. */
function lateReport(draft: Draft, attempt: Attempt, event: Report): void {
  const kind = KIND[event.type]
  draft.reply = { ok: true, cancel: true }
  const count = attempt.late[kind] + 1
  draft.lease({
    attempts: replaceAttempt(draft.job.attempts, attempt, { late: { ...attempt.late, [kind]: count } }),
  })
  if (count > 1) return
  const data: LineOf<'late_report'>['data'] = { kind }
  if (event.runpodJobId) data.runpod_job_id = event.runpodJobId
  draft.note({ type: 'late_report', ref: refOf(attempt), data })
}

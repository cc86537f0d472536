/**
 * `processing`: a GPU worker runs the attempt. After a silence RunPod is polled, and its answer decides; sooner and
 * more often when the worker's line was lost.
 */
import { attemptName, openAttempt, refOf } from '../attempts.ts'
import { budgetExceeded, budgetLeftMs } from '../budget.ts'
import type { Draft } from '../draft.ts'
import { giveUp } from '../endings.ts'
import type { Signal } from '../events.ts'
import { iso } from '../iso.ts'
import type { Attempt, Line } from '../job.ts'
import type { PhaseIn } from '../phase.ts'
import { LOST_LINE_ASKS_MS } from '../policy.ts'
import { failure } from '../verdicts.ts'
import { poll, pollAgain } from './polling.ts'
import type { State } from './state.ts'
import { enterVerifying } from './verifying.ts'

type Running = PhaseIn<'running'>
type Progressed = Extract<Signal, { type: 'progressed' }>

const OPEN_LINE: Line = { lostAt: null, asks: 0 }

/** A worker runs the attempt, according to its first report or to RunPod. */
export function enterRunning(
  draft: Draft,
  attempt: Attempt,
  signal: Progressed | Extract<Signal, { type: 'running' }>,
): void {
  const { now } = draft
  const { stallTimeoutMs, executionTimeoutMs } = draft.job.request.policy
  if (signal.type === 'progressed') takeProgress(draft, signal)
  draft.attempt(attempt, { runningAt: now })
  draft.enter({
    status: 'processing',
    step: 'running',
    since: now,
    stallAt: now + stallTimeoutMs,
    pollFailures: 0,
    timeoutAt: now + Math.min(executionTimeoutMs, budgetLeftMs(draft.job, now)),
    ...(signal.type === 'progressed' && signal.byLine && { line: OPEN_LINE }),
  })
  const source = signal.type === 'progressed' ? 'report' : signal.source
  draft.note({ type: 'processing', ref: refOf(attempt), data: { stage: draft.job.progress.stage, source } })
}

export const running: State<Running> = {
  on(draft, phase, signal, attempt) {
    const { stallTimeoutMs } = draft.job.request.policy
    switch (signal.type) {
      case 'progressed': {
        const stage = takeProgress(draft, signal)
        const { line, ...rest } = phase
        // After a POST from a worker whose line is lost, the line is no longer expected.
        const isOpen = signal.byLine || line?.lostAt === null
        const stallAt = draft.now + stallTimeoutMs
        draft.lease({ phase: { ...rest, stallAt, pollFailures: 0, ...(isOpen && { line: OPEN_LINE }) } })
        if (stage !== null) draft.note({ type: 'stage', ref: refOf(attempt), data: { stage } })
        return
      }
      case 'lineSeen': {
        restoreProgress(draft, signal)
        const stallAt = signal.at + stallTimeoutMs
        // An open line without a message since the last poll is still silent.
        if (stallAt <= phase.stallAt && phase.line?.lostAt === null) return
        const seen = { stallAt: Math.max(stallAt, phase.stallAt), pollFailures: 0, line: OPEN_LINE }
        return draft.lease({ phase: { ...phase, ...seen } })
      }
      case 'lineLost':
        return loseLine(draft, phase, attempt)
      case 'queued':
      case 'running':
        return draft.enter({ ...phase, stallAt: nextAskAt(draft, phase), pollFailures: 0 })
      case 'pollFailed':
        return pollAgain(draft, phase)
      case 'done':
        return enterVerifying(draft, attempt, signal)
      case 'failed':
        return giveUp(draft, attempt, signal.failure, { source: signal.source })
    }
  },

  due(draft, phase) {
    const { now } = draft
    const attempt = openAttempt(draft.job)
    if (!attempt) return
    if (phase.timeoutAt <= now) {
      if (budgetLeftMs(draft.job, now) === 0) return giveUp(draft, attempt, budgetExceeded(draft.job))
      const why = 'The attempt ran longer than its execution timeout.'
      return giveUp(draft, attempt, failure('execution_timeout', why, true))
    }
    if (now < phase.stallAt) return
    const asked = askForLine(draft, phase, attempt)
    if (attempt.runpodJobId !== null) return poll(draft, asked, attempt, attempt.runpodJobId)
    const why = 'The worker fell silent and RunPod gave no id to ask about.'
    giveUp(draft, attempt, failure('stalled', why, true))
  },

  clocks: ({ stallAt, timeoutAt }) => [
    { name: 'stall', at: stallAt, what: 'ask RunPod if no report has come' },
    { name: 'execution', at: timeoutAt, what: 'stop the attempt at its time limit' },
  ],

  words(job, { pollFailures, line }) {
    if (line?.lostAt != null && line.asks > 0) {
      const since = `The line of the worker of ${attemptName(job).toLowerCase()} is lost since ${iso(line.lostAt)}`
      return `${since}; RunPod is asked whether it still runs.`
    }
    return pollFailures > 0
      ? `${attemptName(job)} has fallen silent and RunPod could not be asked about it yet.`
      : `${attemptName(job)} is ${job.progress.stage ?? 'running'} on RunPod.`
  },
}

/** The percentage never decreases within an attempt; a message belongs to its stage. Returns the stage if it is new. */
function takeProgress(draft: Draft, { percent, stage, message, etaMs, byLine }: Progressed): string | null {
  const { progress } = draft.job
  const newStage = stage === progress.stage ? null : stage
  const reported = {
    percent: Math.max(progress.percent, Math.min(100, Math.max(0, percent))),
    stage: stage ?? progress.stage,
    message: message ?? (newStage === null ? progress.message : null),
    etaMs,
    reportedAt: draft.now,
  }
  draft.progress(reported, byLine === true)
  return newStage
}

/** Restores the last report over the line after hibernation, in memory only, as before. */
function restoreProgress(draft: Draft, seen: Extract<Signal, { type: 'lineSeen' }>): void {
  const { progress } = draft.job
  const { percent, message, etaMs, reportedAt } = seen
  if ((reportedAt ?? 0) < (progress.reportedAt ?? 0)) return
  const most = Math.max(progress.percent, percent)
  draft.lease({ progress: { ...progress, percent: most, message, etaMs, reportedAt } })
}

/** Stored at once, so that the instant survives an eviction. Without a RunPod id, no earlier poll is possible. */
function loseLine(draft: Draft, { line, ...phase }: Running, { runpodJobId }: Attempt): void {
  if (line?.lostAt != null) return
  if (runpodJobId === null) return draft.keep({ phase })
  const stallAt = Math.min(phase.stallAt, draft.now + LOST_LINE_ASKS_MS[0])
  draft.keep({ phase: { ...phase, stallAt, line: { lostAt: draft.now, asks: 0 } } })
}

/** Counts a poll that is due because the line is silent or still lost, and logs the loss at its first poll. */
function askForLine(draft: Draft, phase: Running, attempt: Attempt): Running {
  const { line } = phase
  if (line?.lostAt === null) return { ...phase, line: { ...line, asks: 1 } }
  if (line === undefined || draft.now < line.lostAt + LOST_LINE_ASKS_MS[0]) return phase
  if (line.asks === 0) {
    draft.note({ type: 'line_lost', ref: refOf(attempt), data: { lost_at: iso(line.lostAt) } })
  }
  return { ...phase, line: { ...line, asks: line.asks + 1 } }
}

/** The next poll after RunPod confirmed the run: after a silence, or by the schedule of a lost line. */
function nextAskAt({ now, job }: Draft, { line }: Running): number {
  const usual = now + job.request.policy.stallTimeoutMs
  const ask = line?.lostAt == null ? undefined : LOST_LINE_ASKS_MS[line.asks]
  return line?.lostAt == null || ask === undefined ? usual : Math.min(usual, Math.max(now, line.lostAt + ask))
}

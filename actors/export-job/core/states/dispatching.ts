/**
 * `pending`, with an attempt that is committed and whose `/run` has no answer yet, or an ambiguous one. Its worker may
 * report before the answer.
 */
import { attemptName, nextRef, openAttempt, refOf } from '../attempts.ts'
import { dropPlace } from '../debts/places.ts'
import type { Draft } from '../draft.ts'
import { giveUp } from '../endings.ts'
import type { Signal } from '../events.ts'
import type { Attempt, Grant, Progress } from '../job.ts'
import type { PhaseIn } from '../phase.ts'
import {
  backoffMs,
  CALL_LIMITS,
  DEFAULT_ENDPOINT,
  DISPATCH_GRACE_MS,
  DISPATCH_SLACK_MS,
  MAX_ATTEMPTS_KEPT,
  ttlMs,
} from '../policy.ts'
import { announce, postpone } from '../refusals.ts'
import { costOfAttempt } from '../shown/costs.ts'
import { failure } from '../verdicts.ts'
import { enterQueued } from './queued.ts'
import { enterRunning } from './running.ts'
import type { State } from './state.ts'
import { enterVerifying } from './verifying.ts'

export const NO_PROGRESS: Progress = { percent: 0, stage: null, message: null, etaMs: null, reportedAt: null }

/** Commits the next attempt; only after that may `/run` be called. */
export function enterDispatching(draft: Draft, { endpoint, tellOutcome, isLent }: Grant): void {
  const { job, now } = draft
  const { request } = job
  const ref = nextRef(job)
  const attempt: Attempt = {
    ...ref,
    outputKey: `output/${request.id}/${ref.round}-${ref.attempt}.${request.output.extension}`,
    endpoint,
    startedAt: now,
    ttlEndsAt: now + DISPATCH_SLACK_MS + CALL_LIMITS.runMs + ttlMs(request.policy),
    runpodJobId: null,
    remote: 'unknown',
    remoteEndedAt: null,
    queuedAt: null,
    runningAt: null,
    endedAt: null,
    failure: null,
    usage: null,
    cancel: null,
    late: { progress: 0, complete: 0, error: 0 },
  }
  draft.change({ attempts: [...attemptsKept(draft), attempt], progress: NO_PROGRESS })
  const graceUntil = now + CALL_LIMITS.runMs + DISPATCH_GRACE_MS
  draft.enter({ status: 'pending', step: 'dispatching', graceUntil, ambiguous: false })
  const data = { max_attempts: request.policy.maxAttempts }
  if (!job.refusals) draft.note({ type: 'attempt_started', ref, data })
  if (!isLent) dropPlace(draft, ref)
  draft.ask({ type: 'dispatch', attempt, endpoint, tellOutcome })
}

/**
 * The attempts to be kept beside a new one. One that may still run at RunPod is kept, whatever the limit, and of this
 * round each that counts or has used GPU time. Those that do not count go first, then those without GPU time, then the
 * oldest.
 */
function attemptsKept({ job, now }: Draft): readonly Attempt[] {
  const { attempts, round, request } = job
  const spare = attempts.length + 1 - MAX_ATTEMPTS_KEPT
  if (spare <= 0) return attempts
  // One whose dispatch was never answered has no other end than its ttl.
  const over = attempts.filter(({ remote, ttlEndsAt }) => remote === 'ended' || ttlEndsAt <= now)
  const isFree = (each: Attempt) => costOfAttempt(each, request.policy.executionTimeoutMs).gpuMs === 0
  const free = over.filter(isFree)
  const earlier = [...free, ...over].filter((each) => each.round < round)
  const dropped = new Set<Attempt>()
  for (const each of [...free.filter(({ uncounted }) => uncounted), ...earlier])
    if (dropped.size < spare) dropped.add(each)
  return attempts.filter((each) => !dropped.has(each))
}

export const dispatching: State<PhaseIn<'dispatching'>> = {
  on(draft, phase, signal, attempt) {
    if (signal.type === 'dispatchRefused' && signal.cause !== 'job') return postpone(draft, attempt, signal)
    if (signal.type === 'dispatchWeighed') return writeOff(draft, attempt, signal.counts)
    if (isOutcome(signal)) announce(draft, attempt)
    switch (signal.type) {
      case 'dispatched':
        return enterQueued(draft, attempt)
      case 'dispatchRefused':
        return giveUp(draft, attempt, signal.failure, { outputMayExist: false })
      case 'dispatchAmbiguous':
        draft.attempt(attempt, { inputsSeen: true })
        draft.enter({ ...phase, ambiguous: true, graceUntil: draft.now + DISPATCH_GRACE_MS })
        return draft.note({
          type: 'dispatch_ambiguous',
          ref: refOf(attempt),
          data: { detail: signal.detail },
        })
      case 'progressed':
      case 'running':
        return enterRunning(draft, attempt, signal)
      case 'done':
        return enterVerifying(draft, attempt, signal)
      case 'failed':
        return giveUp(draft, attempt, signal.failure, { source: signal.source })
    }
  },

  /** Neither an answer nor a report arrived within the grace period; a crash may have lost the answer. */
  due(draft, phase) {
    const { now, job } = draft
    const attempt = openAttempt(job)
    if (now < phase.graceUntil || !attempt) return
    // The attempt does not count if RunPod accepted none of the endpoint's jobs, which only the lane records.
    draft.lease({ phase: { ...phase, graceUntil: now + backoffMs(`${job.request.id}:weigh`, 0) } })
    const endpoint = attempt.endpoint?.name ?? DEFAULT_ENDPOINT
    draft.ask({ type: 'weigh', ref: refOf(attempt), endpoint, sentAt: attempt.startedAt })
  },

  clocks: ({ graceUntil }) => [
    { name: 'dispatch_grace', at: graceUntil, what: 'write the attempt off if no report has come' },
  ],

  words(job, { ambiguous }) {
    const name = attemptName(job)
    return ambiguous
      ? `RunPod did not say whether it took ${name.toLowerCase()}; waiting for its worker to report.`
      : `${name} is being sent to RunPod.`
  },
}

/** Reports of a run that started nevertheless are rejected by the fence from now on. */
function writeOff(draft: Draft, attempt: Attempt, counts: boolean): void {
  announce(draft, attempt)
  const why = 'RunPod did not say whether it took the job, and no worker reported.'
  const lost = failure('dispatch_lost', why, true)
  if (counts) giveUp(draft, attempt, lost)
  else postpone(draft, attempt, { failure: lost, cause: 'runpod', retryAfterMs: null })
}

/** Ignored in this state: they imply nothing about the outcome of the dispatch. */
const SILENT = new Set<Signal['type']>([
  'queued',
  'pollFailed',
  'outputSeen',
  'outputAbsent',
  'lookFailed',
  'lineSeen',
  'lineLost',
])

function isOutcome({ type }: Signal): boolean {
  return !SILENT.has(type)
}

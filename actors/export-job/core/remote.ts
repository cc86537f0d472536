/** The state of each attempt's job at RunPod, and the runs there that must be cancelled. */
import { findAttempt } from './attempts.ts'
import type { Draft } from './draft.ts'
import type { Attempt, AttemptRef, Job, OwedCancel, Usage } from './job.ts'
import { MAX_STRAYS, RECENT_404_MS } from './policy.ts'

/** Stores the attempt's RunPod id, from the answer of `/run`, a report or a webhook. */
export function adopt(draft: Draft, attempt: Attempt, runpodJobId: string | null): void {
  if (runpodJobId === null || attempt.runpodJobId !== null) return
  draft.attempt(attempt, { runpodJobId, ...(attempt.remote === 'unknown' && { remote: 'live' as const }) })
}

/** Reverts a refusal by RunPod when a worker nevertheless reports on the attempt. */
export function runsAfterAll(draft: Draft, ref: AttemptRef): void {
  const attempt = findAttempt(draft.job, ref)
  const wasRefused = attempt?.remote === 'ended' && attempt.queuedAt === null && attempt.runningAt === null
  const wasStopped = attempt?.cancel != null && attempt.cancel.tries > 0
  if (!wasRefused || wasStopped) return
  const remote = attempt.runpodJobId === null ? 'unknown' : 'live'
  draft.attempt(ref, { remote, remoteEndedAt: null, cancel: null })
}

/** Owes the cancel of the attempt's run: sent as soon as its id is known, and repeated until RunPod confirms it. */
export function oweCancel(draft: Draft, ref: AttemptRef): void {
  const attempt = findAttempt(draft.job, ref)
  if (!attempt || attempt.remote === 'ended' || attempt.cancel) return
  draft.attempt(ref, { cancel: { askedAt: draft.now, dueAt: draft.now, tries: 0, confirmedAt: null } })
}

/**
 * Owes the cancel of a reporting run that the job does not wait for, once for each id, even if `/status` had reported
 * the attempt's own id as ended. That id, its remote state and its figures are not changed.
 */
export function oweStray(draft: Draft, ref: AttemptRef, runpodJobId: string | null): void {
  const attempt = findAttempt(draft.job, ref)
  if (!attempt || runpodJobId === null) return
  const { strays = [] } = attempt
  const isKnown = strays.some((stray) => stray.runpodJobId === runpodJobId)
  if (isKnown || strays.length >= MAX_STRAYS || attempt.ttlEndsAt <= draft.now) return
  const owed = { askedAt: draft.now, dueAt: draft.now, tries: 0, confirmedAt: null }
  draft.attempt(ref, { strays: [...strays, { runpodJobId, cancel: owed }] })
}

/** The change to the attempt that replaces an owed cancel by `cancel`. */
export function cancelChanged(draft: Draft, owed: OwedStop, cancel: OwedCancel): Partial<Attempt> {
  if (!owed.isStray) return { cancel }
  const { strays = [] } = findAttempt(draft.job, owed.attempt) ?? owed.attempt
  return {
    strays: strays.map((stray) => (stray.runpodJobId === owed.runpodJobId ? { ...stray, cancel } : stray)),
  }
}

/** Records that a run to be cancelled no longer runs. The figures of a stray are not the attempt's. */
export function stopped(draft: Draft, owed: OwedStop, usage: Usage | null): void {
  if (!owed.isStray) return remoteEnded(draft, owed.attempt, usage)
  const confirmed = { ...owed.cancel, confirmedAt: draft.now }
  draft.attempt(owed.attempt, cancelChanged(draft, owed, confirmed))
}

/** Records that the attempt's RunPod job no longer runs. */
export function remoteEnded(draft: Draft, ref: AttemptRef, usage: Usage | null): void {
  const attempt = findAttempt(draft.job, ref)
  if (!attempt) return
  if (usage && JSON.stringify(usage) !== JSON.stringify(attempt.usage)) draft.attempt(ref, { usage })
  if (attempt.remote === 'ended') return
  draft.attempt(ref, {
    remote: 'ended',
    remoteEndedAt: draft.now,
    ...(attempt.cancel && { cancel: { ...attempt.cancel, confirmedAt: draft.now } }),
  })
}

/** RunPod may not show a job yet that it has just accepted. */
export function isRecent(attempt: Attempt, now: number): boolean {
  return now - (attempt.queuedAt ?? attempt.startedAt) < RECENT_404_MS
}

/** An unconfirmed cancel that can be sent, because the job's RunPod id is known. */
export function cancelIsOwed<A extends Attempt>(
  attempt: A,
): attempt is A & { cancel: NonNullable<A['cancel']>; runpodJobId: string } {
  return attempt.remote === 'live' && attempt.cancel !== null && attempt.runpodJobId !== null
}

/** A run at RunPod that must be cancelled: an attempt's own, or one of its strays. */
export interface OwedStop {
  readonly attempt: Attempt
  readonly runpodJobId: string
  readonly cancel: OwedCancel
  readonly isStray: boolean
}

/** Every unconfirmed cancel of the job that can be sent. */
export function owedCancels({ attempts }: Job): OwedStop[] {
  const owed: OwedStop[] = []
  for (const attempt of attempts) {
    const { strays = [] } = attempt
    if (cancelIsOwed(attempt))
      owed.push({ attempt, runpodJobId: attempt.runpodJobId, cancel: attempt.cancel, isStray: false })
    for (const stray of strays)
      if (stray.cancel.confirmedAt === null) owed.push({ attempt, ...stray, isStray: true })
  }
  return owed
}

/** Another attempt incurs costs only once a try of each cancel has been answered, or has failed. */
export function hasUnansweredCancel(job: Job): boolean {
  return owedCancels(job).some(({ cancel }) => !cancel.isAnswered)
}

/** True while any run of the job may exist at RunPod. */
export function mayRunRemotely(job: Job, now: number): boolean {
  const own = job.attempts.some((attempt) => attempt.remote !== 'ended' && now < attempt.ttlEndsAt)
  return own || owedCancels(job).some(({ attempt }) => now < attempt.ttlEndsAt)
}

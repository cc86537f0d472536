/** What is known of each attempt's job at RunPod, and the cancels that are owed there. */
import { type Draft, sameRef } from './draft.ts'
import type { Attempt, AttemptRef, Job, OwedCancel, Usage } from './job.ts'
import { MAX_STRAYS, type OwedStop, owedCancels } from './schedule.ts'

export function refOf(attempt: AttemptRef): AttemptRef {
  return { round: attempt.round, attempt: attempt.attempt }
}

export function findAttempt(job: Job, ref: AttemptRef): Attempt | null {
  return job.attempts.find((attempt) => sameRef(attempt, ref)) ?? null
}

/** Learns the attempt's RunPod id, from `/run`'s own answer, a report or a webhook. */
export function adopt(draft: Draft, attempt: Attempt, runpodJobId: string | null): void {
  if (runpodJobId === null || attempt.runpodJobId !== null) return
  draft.attempt(attempt, { runpodJobId, ...(attempt.remote === 'unknown' && { remote: 'live' as const }) })
}

/** RunPod said that it took no job, and yet a worker reports on it: it runs after all. */
export function runsAfterAll(draft: Draft, ref: AttemptRef): void {
  const attempt = findAttempt(draft.job, ref)
  const wasRefused = attempt?.remote === 'ended' && attempt.queuedAt === null && attempt.runningAt === null
  const wasStopped = attempt?.cancel != null && attempt.cancel.tries > 0
  if (!wasRefused || wasStopped) return
  const remote = attempt.runpodJobId === null ? 'unknown' : 'live'
  draft.attempt(ref, { remote, remoteEndedAt: null, cancel: null })
}

/** RunPod must stop this attempt's job: told as soon as its id is known, and again until it confirms. */
export function oweCancel(draft: Draft, ref: AttemptRef): void {
  const attempt = findAttempt(draft.job, ref)
  if (!attempt || attempt.remote === 'ended' || attempt.cancel) return
  draft.attempt(ref, { cancel: { askedAt: draft.now, dueAt: draft.now, tries: 0, confirmedAt: null } })
}

/**
 * A run that nobody waits for has reported: RunPod is told, once for each id, to stop it, also where it had said of the
 * attempt's own id that this has ended. That id, its remote state and its figures stay as they are.
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

/** What to change of its attempt so that an owed cancel becomes `cancel`. */
export function cancelChanged(draft: Draft, owed: OwedStop, cancel: OwedCancel): Partial<Attempt> {
  if (!owed.isStray) return { cancel }
  const { strays = [] } = findAttempt(draft.job, owed.attempt) ?? owed.attempt
  return {
    strays: strays.map((stray) => (stray.runpodJobId === owed.runpodJobId ? { ...stray, cancel } : stray)),
  }
}

/** A run that had to stop is known not to run any more. A stray's figures are not the attempt's. */
export function stopped(draft: Draft, owed: OwedStop, usage: Usage | null): void {
  if (!owed.isStray) return remoteEnded(draft, owed.attempt, usage)
  const confirmed = { ...owed.cancel, confirmedAt: draft.now }
  draft.attempt(owed.attempt, cancelChanged(draft, owed, confirmed))
}

/** RunPod's job is known not to run any more. */
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

/** A cancel that has never been sent goes out before another attempt is paid for. */
export function hasUnsentCancel(job: Job): boolean {
  return owedCancels(job).some(({ cancel }) => cancel.tries === 0)
}

/** Some attempt may still be running at RunPod. */
export function mayRunRemotely(job: Job, now: number): boolean {
  const own = job.attempts.some((attempt) => attempt.remote !== 'ended' && now < attempt.ttlEndsAt)
  return own || owedCancels(job).some(({ attempt }) => now < attempt.ttlEndsAt)
}

/** What is known of each attempt's job at RunPod, and the cancels that are owed there. */
import { type Draft, sameRef } from './draft.ts'
import type { Attempt, AttemptRef, Job, Usage } from './job.ts'
import { cancelIsOwed } from './schedule.ts'

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
  return job.attempts.some((attempt) => cancelIsOwed(attempt) && attempt.cancel.tries === 0)
}

/** Some attempt may still be running at RunPod. */
export function mayRunRemotely(job: Job, now: number): boolean {
  return job.attempts.some((attempt) => attempt.remote !== 'ended' && now < attempt.ttlEndsAt)
}

/** Reads the attempts of a job: finds one, selects the latest, the open or the winning one, counts and names them. */
import type { Attempt, AttemptRef, Job } from './job.ts'
import { isActive, isBetweenAttempts } from './phase.ts'

export function refOf({ round, attempt }: AttemptRef): AttemptRef {
  return { round, attempt }
}

export function sameRef(a: AttemptRef, b: AttemptRef): boolean {
  return a.round === b.round && a.attempt === b.attempt
}

export function findAttempt(job: Job, ref: AttemptRef): Attempt | null {
  return job.attempts.find((attempt) => sameRef(attempt, ref)) ?? null
}

export function replaceAttempt(
  attempts: readonly Attempt[],
  ref: AttemptRef,
  changes: Partial<Attempt>,
): readonly Attempt[] {
  return attempts.map((attempt) => (sameRef(attempt, ref) ? { ...attempt, ...changes } : attempt))
}

/** Key of the poster of a result: beside the result, so that one prefix covers all files that an attempt has left. */
export function posterKeyOf(outputKey: string): string {
  return outputKey.replace(/\.[^./]*$/, '.jpg')
}

/** The newest attempt of this round; null before the first dispatch of the round. */
export function latestAttempt(job: Job): Attempt | null {
  const last = job.attempts.at(-1)
  return last && last.round === job.round ? last : null
}

/** The attempt that will be sent next. */
export function nextRef(job: Job): AttemptRef {
  return { round: job.round, attempt: (latestAttempt(job)?.attempt ?? 0) + 1 }
}

/** The attempt whose reports count: the latest, if it has not ended and the job is active and not between attempts. */
export function openAttempt(job: Job): Attempt | null {
  const latest = latestAttempt(job)
  const isWaitedFor = isActive(job.phase) && !isBetweenAttempts(job.phase)
  return isWaitedFor && latest && latest.endedAt === null ? latest : null
}

export function isWinner({ phase }: Job, attempt: AttemptRef): boolean {
  return phase.status === 'complete' && sameRef(phase.winner, attempt)
}

/** Attempts of this round that count towards `max_attempts`, the open one included. */
export function countedAttempts({ attempts, round }: Job): number {
  return attempts.filter((attempt) => attempt.round === round && !attempt.uncounted).length
}

/**
 * Position among the counted attempts of the round, from 1; for an uncounted attempt, the position it would have had.
 */
function ordinalOf({ attempts }: Job, of: AttemptRef): number {
  const before = attempts.filter((each) => each.round === of.round && each.attempt < of.attempt)
  return before.filter((each) => !each.uncounted).length + 1
}

/** The beginning of a sentence about an attempt, by default the latest. */
export function attemptName(job: Job, attempt: AttemptRef | null = latestAttempt(job)): string {
  const ordinal = attempt === null ? 1 : ordinalOf(job, attempt)
  return `Attempt ${ordinal} of ${job.request.policy.maxAttempts}`
}

/**
 * True once the check before a dispatch found the input and every asset; false again once one of them was missing. The
 * newest attempt with either result decides.
 */
export function inputsSeen(job: Job): boolean {
  const telling = job.attempts.findLast((attempt) => notFound(attempt) || sawInputs(attempt))
  return telling !== undefined && !notFound(telling)
}

function notFound({ failure }: Attempt): boolean {
  return failure?.code === 'input_not_found'
}

/**
 * `/run` is called only after that check, so any trace of the attempt at RunPod or of its worker implies that it
 * passed.
 */
function sawInputs({ inputsSeen: seen, runpodJobId, queuedAt, runningAt }: Attempt): boolean {
  return seen === true || runpodJobId !== null || queuedAt !== null || runningAt !== null
}

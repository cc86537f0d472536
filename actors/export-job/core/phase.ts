/** Names the states of a job: the step of its phase if it has one, otherwise its status. */
import type { Job, Phase } from './job.ts'

type KeyOf<P> = P extends { step: infer S } ? S : P extends { status: infer S } ? S : never
export type StateKey = KeyOf<Phase>
export type PhaseIn<K extends StateKey> = Extract<Phase, { step: K } | { status: K }>

export function keyOf(phase: Phase): StateKey {
  return 'step' in phase ? phase.step : phase.status
}

export function isIn<K extends StateKey>(phase: Phase, key: K): phase is PhaseIn<K> {
  return keyOf(phase) === key
}

/** No attempt is under way: the last one has failed, or none was sent yet. */
export function isBetweenAttempts(phase: Phase): phase is PhaseIn<'waiting' | 'asking'> {
  return isIn(phase, 'waiting') || isIn(phase, 'asking')
}

/**
 * Since when the next attempt has been held back: by the lane of its endpoint, by RunPod's refusals or by missing
 * settings. Null when nothing holds it back. Milliseconds.
 */
export function waitingSince({ phase, refusals }: Job): number | null {
  if (phase.status !== 'pending') return null
  if (refusals) return refusals.since
  return isIn(phase, 'asking') && (phase.queue || phase.missing) ? phase.since : null
}

/** Under way, and not being cancelled. */
export function isActive({ status }: Phase): boolean {
  return status === 'pending' || status === 'queued' || status === 'processing'
}

/** Statuses of a job whose round has not ended. */
export const OPEN_STATUSES: readonly Phase['status'][] = ['pending', 'queued', 'processing', 'cancelling']

export function isUnfinished({ status }: Phase): boolean {
  return OPEN_STATUSES.includes(status)
}

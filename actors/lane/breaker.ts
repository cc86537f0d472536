/**
 * The circuit breaker for RunPod's `/run`: a refusal, or two ambiguous answers in a row, open it. Then a single job,
 * the probe, is sent after each pause, and the pauses grow, until RunPod accepts one.
 */
import type { Lane, OpenBreaker, Outage, Refusal } from './state.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
/** A probe without an outcome expires after this time. */
export const PROBE_MS = 90 * SECOND
/** First and longest pause after a refusal, by its cause; each further refusal doubles it. */
export const PAUSES_MS = {
  runpod: { first: 5 * SECOND, longest: 5 * MINUTE },
  deployment: { first: MINUTE, longest: 15 * MINUTE },
} as const
/** The number of ambiguous answers in a row that opens the breaker. */
const AMBIGUOUS_OPENS = 2
const MAX_OUTAGES = 20

/** The outcome of a dispatch; `unsent`: `/run` was not called. */
export type Outcome =
  | { readonly kind: 'took' }
  | { readonly kind: 'ambiguous' }
  | { readonly kind: 'unsent' }
  | ({ readonly kind: 'refused' } & Refusal)

type Breaking = Pick<Lane, 'breaker' | 'outages' | 'ambiguous'>

export function afterOutcome(lane: Breaking, key: string, outcome: Outcome, now: number): Breaking {
  switch (outcome.kind) {
    case 'took':
      return closed(lane, now)
    case 'unsent':
      return withoutProbe(lane, key)
    case 'ambiguous': {
      const counted = { ...lane, ambiguous: lane.ambiguous + 1 }
      if (!lane.breaker && counted.ambiguous < AMBIGUOUS_OPENS) return counted
      return refused(counted, key, NO_CLEAR_ANSWER, now)
    }
    case 'refused': {
      const { cause, status, detail, retryAfterMs } = outcome
      return refused(lane, key, { cause, status, detail, retryAfterMs }, now)
    }
  }
}

const NO_CLEAR_ANSWER: Refusal = {
  cause: 'runpod',
  status: null,
  detail: 'RunPod gave no clear answer.',
  retryAfterMs: null,
}

/** While the breaker is open only the probe's outcome counts: earlier dispatches yield no new information. */
function refused(lane: Breaking, key: string, refusal: Refusal, now: number): Breaking {
  const { breaker } = lane
  if (breaker && breaker.probe?.key !== key) return lane
  const { first, longest } = PAUSES_MS[refusal.cause]
  const strikes = breaker?.refusal.cause === refusal.cause ? breaker.strikes + 1 : 1
  // A `Retry-After` of zero, or a date that has passed, would send one job after the other.
  const pauseMs = refusal.retryAfterMs || Math.min(longest, first * 2 ** Math.min(strikes - 1, 30))
  const openedAt = breaker?.openedAt ?? now
  return { ...lane, breaker: { openedAt, until: now + pauseMs, strikes, refusal, probe: null } }
}

/** RunPod accepted a job, or an operator closed the breaker. */
export function closed(lane: Breaking, now: number): Breaking {
  const { breaker } = lane
  if (!breaker) return { ...lane, ambiguous: 0 }
  const { openedAt, strikes, refusal } = breaker
  const outage: Outage = { openedAt, closedAt: now, strikes, refusal }
  return { ambiguous: 0, breaker: null, outages: [...lane.outages, outage].slice(-MAX_OUTAGES) }
}

/** Removes the probe of a job that returned its place or sent no outcome, so that another job can be the probe. */
export function withoutProbe<L extends Breaking>(lane: L, key: string): L {
  return lane.breaker?.probe?.key === key ? { ...lane, breaker: { ...lane.breaker, probe: null } } : lane
}

/** When a probe without an outcome expires; null without a probe. */
export function probeEndsAt({ probe }: OpenBreaker): number | null {
  return probe && probe.at + PROBE_MS
}

/**
 * Whether an attempt sent at `sentAt`, whose acceptance by RunPod is unknown, coincided with an outage: no job has been
 * accepted since, or the breaker was open in the meantime. An attempt that failed alone did not.
 */
export function metOutage({ breaker, outages, ambiguous }: Breaking, sentAt: number): boolean {
  return breaker !== null || ambiguous > 0 || outages.some(({ closedAt }) => sentAt <= closedAt)
}

/** Time limits, retry counts, backoff, and the bounds of the limits that a caller may choose. */
import type { Limits, RefusalCause } from './job.ts'

export const SECOND = 1_000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Bounds of each limit that a caller may set; `standard` is the default. */
export const POLICY_BOUNDS = {
  maxAttempts: { least: 1, most: 10, standard: 3 },
  queueTimeoutMs: { least: 10 * SECOND, most: 2 * DAY, standard: 60 * MINUTE },
  /** At most 20 minutes, so that a silent attempt is always checked before RunPod discards its result (30 minutes). */
  stallTimeoutMs: { least: 5 * SECOND, most: 20 * MINUTE, standard: 60 * SECOND },
  /** RunPod accepts 5 s to 7 days; this limit must leave room for the queue within its ttl of 7 days. */
  executionTimeoutMs: { least: 10 * SECOND, most: 4 * DAY, standard: 30 * MINUTE },
  deadlineMs: { least: MINUTE, most: 14 * DAY, standard: DAY },
  retentionMs: { least: MINUTE, most: 365 * DAY, standard: 7 * DAY },
} as const satisfies Record<keyof Limits, { least: number; most: number; standard: number }>

/** Bounds of the GPU time that a caller may set for a job. */
export const GPU_BUDGET_BOUNDS = { least: SECOND, most: 40 * DAY } as const

/** Time limit of each outward call. */
export const CALL_LIMITS = {
  runMs: 15 * SECOND,
  statusMs: 10 * SECOND,
  cancelMs: 10 * SECOND,
  /** One operation on D1 or R2, which may consist of several calls. */
  storeMs: 20 * SECOND,
  laneMs: 5 * SECOND,
  /** A result is complete without its poster. */
  posterMs: 3 * SECOND,
} as const

/** How long after an ambiguous `/run` a first report is awaited before the attempt is written off. */
export const DISPATCH_GRACE_MS = 60 * SECOND
/** A 404 from `/status` sooner after `/run` than this may mean "not visible yet". */
export const RECENT_404_MS = 60 * SECOND
/** The inputs are checked before `/run`, so RunPod's ttl starts at most this much later than ours. */
export const DISPATCH_SLACK_MS = 60 * SECOND
/** The pause before RunPod is queried again after a recent 404. */
export const RECENT_404_RECHECK_MS = 15 * SECOND
/** The longest pause between two queue checks: RunPod keeps a result for only 30 minutes. */
export const LONGEST_CHECK_MS = 15 * MINUTE
/** How long RunPod may be unreachable after the queue timeout before the job ends regardless. */
export const QUEUE_TIMEOUT_SLACK_MS = 10 * MINUTE
/** Checks without an output before the attempt fails. */
export const LOOKS = 3
export const CANCEL_GIVE_UP_MS = 10 * MINUTE
/** Before the end of a job, at most one mirror write in this time. */
export const MIRROR_SPACING_MS = 15 * SECOND
/** The interval in which a job that waits for a place refreshes its position while it is being watched. */
export const WATCHED_ASK_MS = 15 * SECOND
/**
 * An actor that is idle for so long leaves memory, and what is not stored is lost
 * (developers.cloudflare.com/durable-objects/concepts/durable-object-lifecycle).
 */
export const IDLE_MS = 10 * SECOND
/** Progress is stored at most this often, unless the actor is idle in between. */
export const PROGRESS_SAVE_MS = 30 * SECOND
/**
 * When RunPod is queried after a worker's line was lost, measured from the loss; skipped once the worker reports again.
 */
export const LOST_LINE_ASKS_MS = [10 * SECOND, 20 * SECOND, 40 * SECOND, 60 * SECOND] as const
/** An upload that began just before its URL expired has been stored after this time. */
export const LAST_LOOK_SLACK_MS = 60 * SECOND
/** The endpoint of jobs that name none, and of attempts that an earlier version sent. */
export const DEFAULT_ENDPOINT = 'default'
export const MAX_ROUNDS = 100
/** More are kept only where they are still needed: see `attemptsKept`. */
export const MAX_ATTEMPTS_KEPT = 50
/** The most strays of one attempt that are cancelled; a worker that invents ids still receives the order to stop. */
export const MAX_STRAYS = 5

/** The ttl passed to RunPod, which deletes the job then in any state, so it must cover queue and run. */
export function ttlMs(policy: Limits): number {
  return policy.queueTimeoutMs + policy.executionTimeoutMs + 10 * MINUTE
}

/** The n-th pause (from 0) between queue checks: 1, 2, 4, 8 … minutes, capped. */
export function queueCheckMs(checks: number): number {
  return Math.min(LONGEST_CHECK_MS, MINUTE * 2 ** Math.min(checks, 10))
}

/**
 * Capped exponential backoff with full jitter: up to 5 s × 2^tries, at most 5 minutes, at least 1 s. The jitter is a
 * hash of `seed` and `tries`, so that pauses are reproducible and the core needs no randomness.
 */
export function backoffMs(seed: string, tries: number): number {
  const ceiling = Math.min(5 * MINUTE, 5 * SECOND * 2 ** Math.min(tries, 10))
  return Math.max(SECOND, Math.round(jitter(`${seed}:${tries}`) * ceiling))
}

/**
 * The n-th pause (from 0) after refusals that do not count. Errors of the deployment, which an operator must fix, are
 * tried again after a minute, then ever less often, up to every 15 minutes; anything else after the usual backoff.
 */
export function refusalPauseMs(cause: RefusalCause, seed: string, tries: number): number {
  if (cause !== 'deployment') return backoffMs(seed, tries)
  return Math.min(15 * MINUTE, MINUTE * 2 ** Math.min(tries, 10))
}

/** In [0, 1), always the same for the same text: FNV-1a with a final avalanche. */
export function jitter(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}

/**
 * Every clock of a job, as functions of its state: how long each thing may take, how retries back off, and the one
 * instant at which the alarm must ring next.
 */
import type { Attempt, AttemptRef, Job, OwedCancel, Policy } from './job.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const DAY = 24 * 60 * MINUTE

/** Bounds within which a caller may set each limit; `standard` is what an unset one gets. */
export const POLICY_BOUNDS = {
  maxAttempts: { least: 1, most: 10, standard: 3 },
  queueTimeoutMs: { least: 10 * SECOND, most: 2 * DAY, standard: 60 * MINUTE },
  /** At most 20 minutes, so that silence is always looked into before RunPod forgets a result (30 minutes). */
  stallTimeoutMs: { least: 5 * SECOND, most: 20 * MINUTE, standard: 60 * SECOND },
  /** RunPod takes 5 s to 7 days; ours must leave room for the queue within its ttl of 7 days. */
  executionTimeoutMs: { least: 10 * SECOND, most: 4 * DAY, standard: 30 * MINUTE },
  deadlineMs: { least: MINUTE, most: 14 * DAY, standard: DAY },
  retentionMs: { least: MINUTE, most: 365 * DAY, standard: 7 * DAY },
} as const satisfies Record<keyof Policy, { least: number; most: number; standard: number }>

/** Time limits of one outward call each. */
export const CALL_LIMITS = {
  runMs: 15 * SECOND,
  statusMs: 10 * SECOND,
  cancelMs: 10 * SECOND,
  /** One errand to D1 or R2, which may be several calls. */
  storeMs: 20 * SECOND,
} as const

/** After an ambiguous `/run`, how long the attempt may stay silent before it is written off. */
export const DISPATCH_GRACE_MS = 60 * SECOND
/** A 404 from `/status` sooner after `/run` than this may mean "not visible yet". */
export const YOUNG_MS = 60 * SECOND
/** Looking at the inputs comes before `/run`, so RunPod's ttl starts this much later than ours at most. */
export const DISPATCH_SLACK_MS = MINUTE
/** How often a young 404 is asked about again. */
export const YOUNG_RECHECK_MS = 15 * SECOND
/** The longest pause between two queue checks: RunPod keeps a result for 30 minutes only. */
export const LONGEST_CHECK_MS = 15 * MINUTE
/** RunPod unreachable for this long past the queue timeout ends the job all the same. */
export const QUEUE_TIMEOUT_SLACK_MS = 10 * MINUTE
/** Looks for the output that find nothing before the attempt failed. */
export const LOOKS = 3
export const CANCEL_GIVE_UP_MS = 10 * MINUTE
/** Between birth and end at most one mirror write in this time. */
export const MIRROR_SPACING_MS = 15 * SECOND
/** Progress is stored at most this often. */
export const PROGRESS_SAVE_MS = 10 * SECOND
/** An upload that began just before its URL expired is stored by then. */
export const LAST_LOOK_SLACK_MS = MINUTE
export const MAX_ROUNDS = 100
export const MAX_ATTEMPTS_KEPT = 50
/** Strays of one attempt that are cancelled; a worker that makes up ids is told to stop all the same. */
export const MAX_STRAYS = 5

/** The ttl RunPod is given: it deletes the job then in any state, so it must outlast queue and run. */
export function ttlMs(policy: Policy): number {
  return policy.queueTimeoutMs + policy.executionTimeoutMs + 10 * MINUTE
}

/** The n-th pause (from 0) between queue checks: 1, 2, 4, 8 … minutes, capped. */
export function queueCheckMs(checks: number): number {
  return Math.min(LONGEST_CHECK_MS, MINUTE * 2 ** Math.min(checks, 10))
}

/**
 * Capped exponential backoff with full jitter: up to 5 s × 2^tries, at most 5 minutes, at least 1 s. The jitter is a
 * hash of `seed` and `tries`, so the same job always waits the same time and the core needs no randomness.
 */
export function backoffMs(seed: string, tries: number): number {
  const ceiling = Math.min(5 * MINUTE, 5 * SECOND * 2 ** Math.min(tries, 10))
  return Math.max(SECOND, Math.round(jitter(`${seed}:${tries}`) * ceiling))
}

export function retrySeed(job: Job, ref: AttemptRef): string {
  return `${job.request.id}:${ref.round}:${ref.attempt}`
}

/** In [0, 1), always the same for the same text: FNV-1a with a final avalanche. */
export function jitter(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}

/** Names of the clocks, as shown to people. */
export type ClockName =
  | 'dispatch'
  | 'look'
  | 'dispatch_grace'
  | 'queue_check'
  | 'queue_timeout'
  | 'stall'
  | 'execution'
  | 'verify'
  | 'cancel_give_up'
  | 'deadline'
  | 'mirror'
  | 'owed_cancel'
  | 'sweep'
  | 'archive'
  | 'erase'
  | 'retention'
  | 'webhook'

export interface Clock {
  readonly name: ClockName
  readonly at: number
}

export function deadlineAt(job: Job): number {
  return job.extendedDeadlineAt ?? job.roundStartedAt + job.request.policy.deadlineMs
}

/** All clocks that run for this job, in no order. An ended job that owes nothing has only its retention. */
export function clocks(job: Job): Clock[] {
  const { phase, outbox } = job
  const all: Clock[] = []
  const add = (name: ClockName, at: number) => all.push({ name, at })
  switch (phase.status) {
    case 'pending':
      if (phase.step === 'waiting') add(phase.look === 'owed' ? 'look' : 'dispatch', phase.nextAttemptAt)
      else add('dispatch_grace', phase.graceUntil)
      add('deadline', deadlineAt(job))
      break
    case 'queued':
      add('queue_check', phase.checkAt)
      // The check at the timeout decides; past it only the re-checks of an unreachable RunPod remain.
      if (phase.checkAt < phase.timeoutAt) add('queue_timeout', phase.timeoutAt)
      add('deadline', deadlineAt(job))
      break
    case 'processing':
      if (phase.step === 'running') {
        add('stall', phase.stallAt)
        add('execution', phase.timeoutAt)
      } else add('verify', phase.lookAt)
      add('deadline', deadlineAt(job))
      break
    case 'cancelling':
      add('cancel_give_up', phase.giveUpAt)
      add('deadline', deadlineAt(job))
      break
    case 'complete':
    case 'error':
    case 'cancelled':
      if (outbox.archive) add('archive', outbox.archive.dueAt)
      else if (owesNothing(job)) add('retention', phase.expiresAt)
      break
    case 'deleting':
      add('erase', phase.dueAt)
      break
    case 'gone':
      return all
  }
  if (outbox.mirror) add('mirror', outbox.mirror.dueAt)
  if (outbox.sweep) add('sweep', outbox.sweep.dueAt)
  for (const webhook of outbox.webhooks) add('webhook', webhook.dueAt)
  for (const { attempt, cancel } of owedCancels(job)) {
    add('owed_cancel', Math.min(cancel.dueAt, attempt.ttlEndsAt))
  }
  return all
}

/** Nothing can be stored under the job's prefix any more: every upload URL given out has expired. */
export function lastUploadEndsAt(job: Job): number {
  return Math.max(0, ...job.attempts.map((attempt) => attempt.ttlEndsAt + LAST_LOOK_SLACK_MS))
}

/** A cancel that RunPod has not confirmed and that can be sent, because the job's id is known. */
export function cancelIsOwed<A extends Attempt>(
  attempt: A,
): attempt is A & { cancel: NonNullable<A['cancel']>; runpodJobId: string } {
  return attempt.remote === 'live' && attempt.cancel !== null && attempt.runpodJobId !== null
}

/** A run at RunPod that must stop: an attempt's own, or one of its strays. */
export interface OwedStop {
  readonly attempt: Attempt
  readonly runpodJobId: string
  readonly cancel: OwedCancel
  readonly isStray: boolean
}

/** Every cancel of the job that RunPod has not confirmed and that can be sent. */
export function owedCancels({ attempts }: Job): OwedStop[] {
  return attempts.flatMap((attempt): OwedStop[] => {
    const { strays = [] } = attempt
    const owed = strays.filter(({ cancel }) => cancel.confirmedAt === null)
    return [
      ...(cancelIsOwed(attempt)
        ? [{ attempt, runpodJobId: attempt.runpodJobId, cancel: attempt.cancel, isStray: false }]
        : []),
      ...owed.map((stray) => ({ attempt, ...stray, isStray: true })),
    ]
  })
}

export function owesNothing(job: Job): boolean {
  const { mirror, sweep, webhooks } = job.outbox
  return !mirror && !sweep && webhooks.length === 0 && owedCancels(job).length === 0
}

/** The earliest of all clocks, held back while the breaker is tripped; null when nothing will ever be due. */
export function wakeAt(job: Job): number | null {
  const natural = naturalWakeAt(job)
  if (natural === null) return null
  return job.breaker.tripped ? Math.max(natural, job.breaker.at + BREAKER.spacingMs) : natural
}

export function naturalWakeAt(job: Job): number | null {
  const all = clocks(job)
  return all.length === 0 ? null : Math.min(...all.map((clock) => clock.at))
}

/**
 * Wakes fill a bucket that drains by one every `drainMs`. Above `capacity` the breaker trips: wakes are then at least
 * `spacingMs` apart, and `strikes` of them in a row that still want to come sooner end the job.
 */
export const BREAKER = { capacity: 60, drainMs: 5 * SECOND, spacingMs: 60 * SECOND, strikes: 10 } as const

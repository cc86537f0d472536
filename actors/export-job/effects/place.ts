/** The calls of a job to the lane of its endpoint. Nothing here throws: a missing answer is a fact. */
import type { Outcome } from '../../lane/breaker.ts'
import type { AskAnswer } from '../../lane/rules.ts'
import type { Ask, PlaceRef } from '../../lane/state.ts'
import { stopWords } from '../../lane/words.ts'
import type { RunAnswer } from '../../runpod/client.ts'
import type { LaneVerbs } from '../../shared/env.ts'
import { logFault } from '../../shared/log.ts'
import { withTimeout } from '../../shared/with-timeout.ts'
import { deadlineAt } from '../core/clock.ts'
import type { Effect, Fact } from '../core/events.ts'
import type { AttemptRef, Endpoint, Grant, Job } from '../core/job.ts'
import { CALL_LIMITS, ttlMs, WATCHED_ASK_MS } from '../core/policy.ts'

type EffectOf<T> = Extract<Effect, { type: T }>

export function placeRef({ request }: Job, { round, attempt }: AttemptRef): PlaceRef {
  return { jobId: request.id, round, dispatch: attempt }
}

/** @param isWatched a watcher needs the current position, so the job asks again sooner */
export async function askForPlace(
  { next }: EffectOf<'ask'>,
  grant: Pick<Grant, 'endpoint' | 'isLent'>,
  job: Job,
  lane: LaneVerbs,
  isWatched: boolean,
): Promise<Fact> {
  try {
    const answer = await withTimeout(CALL_LIMITS.laneMs, () => lane.ask(askOf(job, next, job.version)))
    switch (answer.kind) {
      case 'granted':
        return { type: 'placeGranted', next, ...grant, tellOutcome: answer.tellOutcome }
      case 'stale':
        return { type: 'placeStale', next }
      case 'waiting':
        return waiting(answer, next, grant.endpoint, isWatched)
    }
  } catch (error) {
    logFault('lane', error, { job_id: job.request.id, endpoint: grant.endpoint.name })
    // Source: developers.cloudflare.com, Durable Objects, error handling.
    const overloaded = error instanceof Error && 'overloaded' in error && error.overloaded === true
    return { type: 'laneSilent', next, ...grant, overloaded }
  }
}

function askOf(job: Job, next: AttemptRef, version: number): Ask {
  const { projectId, policy } = job.request
  const until = deadlineAt(job) + ttlMs(policy)
  return { ...placeRef(job, next), version, projectId, priority: policy.priority ?? 0, until }
}

function waiting(
  answer: Extract<AskAnswer, { kind: 'waiting' }>,
  next: AttemptRef,
  endpoint: Endpoint,
  isWatched: boolean,
): Fact {
  const { ahead, aheadOfProject, reason, askAgainAt } = answer
  const asOf = Date.now()
  const paused = reason.kind === 'paused'
  const words = reason.kind === 'places' ? placeWords(answer) : stopWords(reason, answer.waiting, asOf)
  const queue = { ahead, aheadOfProject, asOf, paused, reason: words }
  const soonest = isWatched ? asOf + WATCHED_ASK_MS : askAgainAt
  return {
    type: 'placeWaiting',
    next,
    endpoint: endpoint.name,
    queue,
    askAgainAt: Math.min(askAgainAt, soonest),
  }
}

function placeWords({ ahead, aheadOfProject }: Extract<AskAnswer, { kind: 'waiting' }>): string {
  if (ahead === 0) return 'Waiting for a place: it is the next.'
  const others = ahead === 1 ? '1 export is ahead' : `${ahead} exports are ahead`
  return `Waiting for a place: ${others}, ${aheadOfProject} of them of this project.`
}

/** Notifies the lane that a place was returned, or taken without a grant. */
export async function tellLane(
  { place, version }: EffectOf<'tellLane'>,
  job: Job,
  lane: LaneVerbs,
): Promise<Fact> {
  const { next, tell, endpoint } = place
  const what = tell?.what ?? 'release'
  try {
    await withTimeout(CALL_LIMITS.laneMs, () =>
      what === 'release' ? lane.release(placeRef(job, next), version) : lane.took(askOf(job, next, version)),
    )
    return { type: 'debtPaid', debt: 'places', next, what }
  } catch (error) {
    logFault('lane', error, { job_id: job.request.id, endpoint })
    return { type: 'debtFailed', debt: 'places', next }
  }
}

/** Without an answer of the lane the attempt counts, since it may be running and incur costs. */
export async function weigh({ ref, endpoint, sentAt }: EffectOf<'weigh'>, lane: LaneVerbs): Promise<Fact> {
  try {
    const met = await withTimeout(CALL_LIMITS.laneMs, () => lane.metOutage(sentAt))
    return { type: 'dispatchWeighed', ref, counts: !met }
  } catch (error) {
    logFault('lane', error, { endpoint })
    return { type: 'dispatchWeighed', ref, counts: true }
  }
}

/**
 * Reports the answer of `/run` to the lane, which then delays or releases other jobs; null when it was not called. A
 * lost report is not repeated.
 */
export async function tellOutcome(
  { attempt, tellOutcome: isAsked }: EffectOf<'dispatch'>,
  answer: RunAnswer | null,
  job: Job,
  lane: LaneVerbs,
): Promise<void> {
  const outcome = outcomeOf(answer)
  if (!isAsked && (outcome.kind === 'took' || outcome.kind === 'unsent')) return
  try {
    await withTimeout(CALL_LIMITS.laneMs, () => lane.outcome(placeRef(job, attempt), outcome))
  } catch (error) {
    logFault('lane', error, { job_id: job.request.id })
  }
}

/** A request rejected as invalid shows that RunPod accepts others. */
function outcomeOf(answer: RunAnswer | null): Outcome {
  if (answer === null) return { kind: 'unsent' }
  if (answer.kind === 'ambiguous') return { kind: 'ambiguous' }
  if (answer.kind === 'accepted') return { kind: 'took' }
  const { cause, status, failure, retryAfterMs } = answer
  if (cause !== 'deployment' && cause !== 'runpod') return { kind: 'took' }
  return { kind: 'refused', cause, status, detail: failure.message, retryAfterMs }
}

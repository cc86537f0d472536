/** Calls between a job and the lane in the simulated world. The lane's clock shows true time. */
import type { Effect, Fact } from '../../actors/export-job/core/events.ts'
import type { AttemptRef, Job } from '../../actors/export-job/core/job.ts'
import { CALL_LIMITS, ttlMs } from '../../actors/export-job/core/policy.ts'
import type { Outcome } from '../../actors/lane/breaker.ts'
import type { Ask, PlaceRef } from '../../actors/lane/state.ts'
import type { World } from './world.ts'

type Settle = (fact: Fact) => void
type EffectOf<T> = Extract<Effect, { type: T }>

function placeRef({ request }: World, { round, attempt }: AttemptRef): PlaceRef {
  return { jobId: request.id, round, dispatch: attempt }
}

function askOf(job: Job, next: AttemptRef, world: World): Ask {
  const { projectId, policy } = job.request
  const deadlineAt = job.extendedDeadlineAt ?? job.roundStartedAt + policy.deadlineMs
  const until = deadlineAt + ttlMs(policy) - world.skewMs
  return { ...placeRef(world, next), version: job.version, projectId, priority: 0, until }
}

export function ask({ next, isOwed }: EffectOf<'ask'>, job: Job, world: World, settle: Settle): void {
  const { endpoint, town, clock, network, lane } = world
  const say = (fact: Fact) => clock.after(1, () => settle(fact))
  if (!endpoint) return say({ type: 'notConfigured', next, missing: 'There is no endpoint.' })
  const isLent = town.plan.places !== null
  if (isLent && !isOwed) return say({ type: 'placeNeeded', next, endpoint: endpoint.name })
  const asked = askOf(job, next, world)
  network.call(
    'lane',
    CALL_LIMITS.laneMs,
    () => lane.ask(asked),
    (answer) => {
      const said = answer.kind === 'ok' ? answer.value : null
      if (!said) return settle({ type: 'laneSilent', next, endpoint, isLent, overloaded: false })
      if (said.kind === 'stale') return settle({ type: 'placeStale', next })
      if (said.kind === 'granted')
        return settle({ type: 'placeGranted', next, endpoint, isLent, tellOutcome: said.tellOutcome })
      const { ahead, aheadOfProject, reason } = said
      const paused = reason.kind === 'paused'
      const queue = { ahead, aheadOfProject, asOf: world.wall, paused, reason: 'It waits.' }
      const askAgainAt = said.askAgainAt + world.skewMs
      settle({ type: 'placeWaiting', next, endpoint: endpoint.name, queue, askAgainAt })
    },
  )
}

export function tell(effect: EffectOf<'tellLane' | 'weigh'>, job: Job, world: World, settle: Settle): void {
  const { network, lane, skewMs } = world
  if (effect.type === 'weigh') {
    const { ref, sentAt } = effect
    return network.call(
      'lane',
      CALL_LIMITS.laneMs,
      () => lane.metOutage(sentAt - skewMs),
      (answer) => settle({ type: 'dispatchWeighed', ref, counts: answer.kind !== 'ok' || !answer.value }),
    )
  }
  const { version, place } = effect
  const { next, tell: told } = place
  const what = told?.what ?? 'release'
  const land = () =>
    what === 'release'
      ? lane.release(placeRef(world, next), version)
      : lane.took({ ...askOf(job, next, world), version })
  network.call('lane', CALL_LIMITS.laneMs, land, (answer) =>
    settle(
      answer.kind === 'ok' && answer.value
        ? { type: 'debtPaid', debt: 'places', next, what }
        : { type: 'debtFailed', debt: 'places', next },
    ),
  )
}

/** A lost report is not repeated. */
export function tellOutcome(effect: EffectOf<'dispatch'>, fact: Fact, world: World, settle: Settle): void {
  const outcome = outcomeOf(fact)
  const isWanted = effect.tellOutcome || outcome.kind === 'refused' || outcome.kind === 'ambiguous'
  if (!isWanted) return settle(fact)
  const ref = placeRef(world, effect.attempt)
  const isTaken = fact.type === 'dispatched'
  world.network.call(
    'lane',
    CALL_LIMITS.laneMs,
    () => world.lane.outcome(ref, outcome),
    () => isTaken || settle(fact),
  )
  if (isTaken) settle(fact)
}

function outcomeOf(fact: Fact): Outcome {
  if (fact.type === 'dispatchAmbiguous') return { kind: 'ambiguous' }
  if (fact.type !== 'dispatchRefused') return { kind: 'took' }
  const { cause, failure, retryAfterMs } = fact
  if (cause === 'storage' || failure.code === 'input_not_found') return { kind: 'unsent' }
  if (cause === 'job') return { kind: 'took' }
  return { kind: 'refused', cause, status: null, detail: failure.message, retryAfterMs }
}

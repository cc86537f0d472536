/** Lets time pass without other events: the alarm fires, and all external calls are answered uniformly. */
import type { Effect, Event, Observation } from '../../actors/export-job/core/events.ts'
import type { Job } from '../../actors/export-job/core/job.ts'
import { wakeAt } from '../../actors/export-job/core/schedule.ts'
import { transition } from '../../actors/export-job/core/transition.ts'
import {
  cancelAnswered,
  delivered,
  deliveryFailed,
  dispatchAmbiguous,
  dispatched,
  dispatchWeighed,
  laneNotTold,
  laneTold,
  lookFailed,
  mirrored,
  observed,
  outputAbsent,
  placeGranted,
  pollFailed,
  ref,
  WAKE,
} from '../support/node/builders.ts'
import type { Edge } from './walk.ts'

/** The answer to a call; null when there is none. */
export type Outside = (effect: Effect) => Event | null

export const silent: Outside = () => null

export const failing: Outside = (effect) => {
  switch (effect.type) {
    case 'ask':
      return placeGranted(effect.next)
    case 'dispatch':
      return dispatchAmbiguous(ref(effect.attempt.attempt, effect.attempt.round))
    case 'poll':
      return pollFailed(effect.ref)
    case 'look':
      return lookFailed(effect.ref)
    case 'cancelRemote':
      return cancelAnswered('unconfirmed', effect.ref, effect.runpodJobId)
    case 'tellLane':
      return laneNotTold(effect.place.next)
    case 'weigh':
      return dispatchWeighed(true, effect.ref)
    case 'deliver':
      return deliveryFailed(effect.id)
    case 'sweepOutputs':
      return { type: 'debtFailed', debt: 'staleFiles' }
    case 'mirror':
    case 'archive':
    case 'erase':
      return { type: 'debtFailed', debt: effect.type }
  }
}

/** Every call succeeds, no file exists, and RunPod reports the same state of a run for ever. */
export function working(state: Observation['state']): Outside {
  return (effect) => {
    switch (effect.type) {
      case 'ask':
        return placeGranted(effect.next)
      case 'dispatch':
        return dispatched(ref(effect.attempt.attempt, effect.attempt.round))
      case 'poll':
        return observed(state, { ref: effect.ref, runpodJobId: effect.runpodJobId })
      case 'look':
        return outputAbsent(effect.ref)
      case 'cancelRemote':
        return cancelAnswered('ended', effect.ref, effect.runpodJobId)
      case 'tellLane':
        return laneTold(effect.place.tell?.what, effect.place.next)
      case 'weigh':
        return dispatchWeighed(true, effect.ref)
      case 'deliver':
        return delivered(effect.id)
      case 'mirror':
        return mirrored(Number.MAX_SAFE_INTEGER)
      case 'sweepOutputs':
        return { type: 'debtPaid', debt: 'staleFiles' }
      case 'archive':
      case 'erase':
        return { type: 'debtPaid', debt: effect.type }
    }
  }
}

/** Until `isOver`, nothing is due any more, or the maximum number of wakes. */
export function passTime(
  start: { job: Job; now: number },
  outside: Outside,
  isOver: (job: Job) => boolean,
  most: number,
  seen: (edge: Edge) => void = () => {},
): { job: Job; wakes: number } {
  let { job, now: at } = start
  let wakes = 0
  const apply = (event: Event): Effect[] => {
    const step = transition(job, event, at)
    seen({ before: job, event, at, step })
    job = step.job
    return [...step.effects]
  }
  for (; !isOver(job) && wakes < most; wakes++) {
    const due = wakeAt(job)
    if (due === null) break
    at = Math.max(at, due)
    const effects = apply(WAKE)
    at += 1_000
    for (const effect of effects) {
      const answer = outside(effect)
      if (answer) apply(answer)
    }
    at -= 1_000
  }
  return { job, wakes }
}

/**
 * Checks that a posting worker that stops reporting is soon looked into, by the instants of its reports and of polls.
 */
import type { Event, Step } from '../../actors/export-job/core/events.ts'
import type { Job, Phase } from '../../actors/export-job/core/job.ts'
import { CALL_LIMITS } from '../../actors/export-job/core/policy.ts'
import type { World } from './world.ts'

/** The alarm may be performing other effects at that time, at most the dispatch to a RunPod that answers late. */
const SLACK_MS = CALL_LIMITS.storeMs + CALL_LIMITS.runMs + CALL_LIMITS.laneMs
const NEWS: readonly Event['type'][] = ['progressed', 'observed', 'pollFailed']

export class Silence {
  readonly #world: World
  /** By true time, while there are no faults; null while unknown. */
  #since: number | null = null

  constructor(world: World) {
    this.#world = world
  }

  decided(before: Job, event: Event, { job, effects }: Step): void {
    const { clock, plan, isFaulty, alarmsLost, watch } = this.#world
    const { now } = clock
    const isNew = !isRunning(before.phase) || NEWS.includes(event.type)
    const silentMs = this.#since === null || !isRunning(before.phase) ? 0 : now - this.#since
    if (silentMs > plan.policy.stallTimeoutMs + SLACK_MS)
      watch.fail('a silent worker is asked about', `after ${silentMs} ms`)
    // After a failed poll the pauses grow, an open line counts as activity, and a jump moves every clock.
    const isKnown = !isFaulty && alarmsLost === 0 && plan.jumps.length === 0
    if (!isKnown || !isRunning(job.phase) || job.phase.line || job.phase.pollFailures > 0) this.#since = null
    else if (isNew || effects.some(({ type }) => type === 'poll')) this.#since = now
  }
}

function isRunning(phase: Phase): phase is Extract<Phase, { step: 'running' }> {
  return phase.status === 'processing' && phase.step === 'running'
}

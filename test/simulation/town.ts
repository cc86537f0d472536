/** Several jobs that share the lane of one endpoint, each with its own world, on one clock. */
import { setImmediate } from 'node:timers/promises'
import { T0 } from '../support/node/builders.ts'
import { Clock } from './clock.ts'
import { BrokenPromise } from './invariants.ts'
import { SimulatedLane } from './lane.ts'
import type { TownPlan } from './plan.ts'
import { World } from './world.ts'

const MAX_EVENTS = 30_000

export class Town {
  readonly plan: TownPlan
  readonly clock = new Clock(T0)
  readonly lane: SimulatedLane
  readonly worlds: readonly World[]
  /** Faults occur until then. */
  readonly #faultsEndAt: number
  readonly hasJumps: boolean
  /** The first failure, wherever it was thrown. */
  failure: unknown = null
  readonly notes: string[] | null

  constructor(plan: TownPlan, traced: boolean) {
    this.plan = plan
    this.notes = traced ? [] : null
    this.#faultsEndAt = T0 + Math.max(...plan.jobs.map(({ faultsMs }) => faultsMs))
    this.hasJumps = plan.jobs.some(({ jumps }) => jumps.length > 0)
    this.lane = new SimulatedLane(this)
    this.worlds = plan.jobs.map((job, number) => new World(this, job, number))
  }

  get isFaulty(): boolean {
    return this.clock.now < this.#faultsEndAt
  }

  /** The time since the last possible fault; negative before. */
  get kindMs(): number {
    return this.clock.now - this.#faultsEndAt
  }

  note(text: string): void {
    this.notes?.push(`${stamp(this.clock.now - T0)}  ${text}`)
  }

  fail(promise: string, detail = ''): never {
    const broken = new BrokenPromise(detail ? `${promise}: ${detail}` : promise)
    this.failure ??= broken
    throw broken
  }

  /** Plays the run until no event is left. */
  async play(): Promise<void> {
    for (const world of this.worlds) world.begin()
    for (const { afterMs, lengthMs } of this.plan.pauses) {
      this.clock.after(afterMs, () => this.lane.pause(true))
      this.clock.after(afterMs + lengthMs, () => this.lane.pause(false))
    }
    let events = 0
    const most = MAX_EVENTS * this.worlds.length
    do {
      if (++events > most) this.fail('the world never comes to rest')
      // Everything that the actors do in one instant happens before the clock advances.
      for (; this.worlds.some(({ actor }) => actor.isBusy); await setImmediate())
        for (const { actor } of this.worlds) actor.isBusy = false
      if (this.failure !== null) throw this.failure
    } while (this.clock.step())
    for (const world of this.worlds) world.watch.atRest()
    if (this.lane.state.waiters.size > 0) this.fail('nobody is left waiting')
  }
}

function stamp(ms: number): string {
  const seconds = Math.floor(ms / 1_000)
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60]
  return `${parts.map((part) => String(part).padStart(2, '0')).join(':')}.${String(ms % 1_000).padStart(3, '0')}`
}

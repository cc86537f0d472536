/**
 * Messages between the parts. A call arrives after a while or never; so does its answer; and a message that was sent
 * arrives even if its sender has died in the meantime.
 */
import type { Service } from './plan.ts'
import type { World } from './world.ts'

/** `refused`: the other side answered with a refusal. `lost`: it is unknown whether the call arrived. */
export type Answer<T> = { readonly kind: 'ok'; readonly value: T } | { readonly kind: 'refused' | 'lost' }

const SLOWEST_MS = 25_000

export class Network {
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  /** Calls a service; `done` is called exactly once, at the latest after the caller's timeout. */
  call<T>(to: Service, patienceMs: number, land: () => T, done: (answer: Answer<T>) => void): void {
    const { clock, chance } = this.#world
    const { rates } = this.#world.plan
    const faulty = this.#world.isFaulty
    const outage = this.#world.outageOf(to)
    if (outage) {
      if (!outage.silent) clock.after(chance.between(20, 500), () => done({ kind: 'refused' }))
      else clock.after(patienceMs, () => done({ kind: 'lost' }))
      return
    }
    if (faulty && chance.percent(rates.refuse / 3)) {
      clock.after(chance.between(20, 500), () => done({ kind: 'refused' }))
      return
    }
    const gaveUpAt = clock.now + patienceMs
    if (faulty && chance.percent(rates.lose / 2)) {
      clock.at(gaveUpAt, () => done({ kind: 'lost' }))
      return
    }
    const answerLost = faulty && chance.percent(rates.lose / 2)
    const arrivesAt = clock.now + this.#travelMs()
    const isLate = arrivesAt > gaveUpAt
    if (isLate) clock.at(gaveUpAt, () => done({ kind: 'lost' }))
    clock.at(arrivesAt, () => {
      const value = land()
      if (isLate) return
      const back = clock.now + this.#travelMs()
      if (answerLost || back > gaveUpAt) clock.at(gaveUpAt, () => done({ kind: 'lost' }))
      else clock.at(back, () => done({ kind: 'ok', value }))
    })
  }

  /** A report or webhook sent to the service: it may be lost, repeated, or arrive much later. */
  post(deliver: () => unknown): void {
    const { clock, chance, plan, isFaulty } = this.#world
    const { lose, repeat, delay } = plan.rates
    if (isFaulty && chance.percent(lose)) return
    const times = isFaulty && chance.percent(repeat) ? 2 : 1
    for (let i = 0; i < times; i++) {
      const late = isFaulty && chance.percent(delay)
      clock.after(late ? chance.between(1_000, 300_000) : chance.between(10, 300), deliver)
    }
  }

  #travelMs(): number {
    const { chance, plan, isFaulty } = this.#world
    const slow = isFaulty && chance.percent(plan.rates.delay / 2)
    return slow ? chance.between(500, SLOWEST_MS) : chance.between(5, 200)
  }
}

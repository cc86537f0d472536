/**
 * The lane of the town's endpoint, by the product's own rules: its storage, its losses when it dies, and its
 * invariants, whatever happens to the jobs.
 */
import { asksFor, holdsPlace } from '../../actors/export-job/core/debts/places.ts'
import { metOutage, type Outcome } from '../../actors/lane/breaker.ts'
import { type AskAnswer, type Call, Draft, wakeAt } from '../../actors/lane/rules.ts'
import { type Ask, EMPTY_LANE, keyOf, type Lane, type PlaceRef } from '../../actors/lane/state.ts'
import { Chance } from './clock.ts'
import { LaneWatch } from './lane-watch.ts'
import type { Town } from './town.ts'
import type { World } from './world.ts'

const CALL_MS = 5_000

export class SimulatedLane {
  readonly watch: LaneWatch
  deaths = 0
  readonly #town: Town
  readonly #chance: Chance
  readonly #releases = new Map<string, number>()
  #lane: Lane = EMPTY_LANE
  #ringing = 0
  /** It has not restarted yet. */
  #isDead = false

  constructor(town: Town) {
    this.#town = town
    this.#chance = new Chance(town.plan.seed)
    this.watch = new LaneWatch(town)
  }

  get state(): Lane {
    return this.#lane
  }

  /** Null when the lane died before the answer. */
  ask(ask: Ask): AskAnswer | null {
    const answer = this.#decide((draft) => draft.ask(ask, this.#releases.get(keyOf(ask)) ?? null))
    this.#town.note(`lane: ${answer?.kind ?? 'dies at the ask of'} ${keyOf(ask)}`)
    return answer
  }

  release(ref: PlaceRef, version: number): boolean {
    const key = keyOf(ref)
    const asked = this.#lane.places.get(key) ?? this.#lane.waiters.get(key)
    if (asked && asked.version > version) return true
    this.#town.note(`lane: ${key} is given back`)
    this.#releases.set(key, version)
    return this.#decide((draft) => draft.release(ref) ?? true) !== null
  }

  took(ask: Ask): boolean {
    const released = this.#releases.get(keyOf(ask))
    if (released !== undefined && released >= ask.version) return true
    this.watch.bypassed(keyOf(ask))
    return this.#decide((draft) => draft.took(ask) ?? true) !== null
  }

  outcome(ref: PlaceRef, outcome: Outcome): void {
    this.#town.note(`lane: hears that ${keyOf(ref)} is ${outcome.kind}`)
    this.#decide((draft) => draft.outcome(ref, outcome))
  }

  metOutage(sentAt: number): boolean {
    return metOutage(this.#lane, sentAt)
  }

  pause(isPaused: boolean): void {
    const pause = { by: 'ann', reason: 'maintenance', at: this.#town.clock.now }
    this.#decide((draft) => draft.setPause(isPaused ? pause : null))
  }

  /** A decision is stored with its alarm; the lane may die before that, or before the answer. */
  #decide<T>(act: (draft: Draft) => T): T | null {
    const { clock, plan } = this.#town
    if (this.#isDead) {
      this.#isDead = false
      if (this.#decide((each) => each.resume() ?? true) === null) return null
    }
    if (this.#dies()) return null
    const draft = new Draft(this.#lane, plan.places, clock.now)
    const answer = act(draft)
    const before = this.#lane
    this.#lane = draft.lane
    this.#arm()
    this.watch.changed(before, this.#lane)
    if (this.#dies()) return null
    for (const call of draft.calls) this.#call(call)
    return answer
  }

  #dies(): boolean {
    const { plan, isFaulty } = this.#town
    if (!isFaulty || !this.#chance.percent(plan.laneDeaths)) return false
    this.deaths++
    this.#isDead = true
    this.#town.note('the lane dies')
    this.#releases.clear()
    const { places, waiters } = this.#lane
    this.#lane = {
      ...this.#lane,
      places: mapped(places, (place) => ({ ...place, checkedAt: null })),
      waiters: mapped(waiters, (waiter) => ({ ...waiter, calledAt: null })),
    }
    return true
  }

  #arm(): void {
    const { clock } = this.#town
    const at = wakeAt(this.#lane, clock.now)
    const ringing = ++this.#ringing
    if (at === null) return
    const ring = () => {
      // The platform retries the alarm when the handler died.
      if (ringing === this.#ringing && this.#decide((draft) => draft.wake() ?? true) === null)
        clock.after(2_000, ring)
    }
    clock.at(Math.max(at, clock.now + 1), ring)
  }

  #call(call: Call): void {
    const { ref } = call
    const world = this.#town.worlds.find(({ request }) => request.id === ref.jobId)
    if (!world) throw new Error(`There is no job ${ref.jobId}.`)
    const land = () => (call.type === 'offer' ? comes(world, ref) : holds(world, ref))
    world.network.call('lane', CALL_MS, land, (answer) => {
      this.#town.note(
        `lane: ${call.type} to ${keyOf(ref)}: ${answer.kind === 'ok' ? answer.value : answer.kind}`,
      )
      if (call.type === 'holds') {
        if (answer.kind === 'ok') this.#decide((draft) => draft.holdsAnswered(call, answer.value))
      } else {
        const said = answer.kind !== 'ok' ? 'error' : answer.value ? 'coming' : 'no'
        this.#decide((draft) => draft.offerAnswered(call, said))
      }
    })
  }
}

function comes({ actor }: World, { round, dispatch }: PlaceRef): boolean {
  const next = { round, attempt: dispatch }
  if (!actor.job || !asksFor(actor.job, next)) return false
  void actor.deliver({ type: 'askDue', next })
  return true
}

function holds({ actor }: World, { round, dispatch }: PlaceRef): boolean {
  const isHeld = actor.job !== null && holdsPlace(actor.job, { round, attempt: dispatch })
  if (isHeld) void actor.rearm()
  return isHeld
}

function mapped<V>(map: ReadonlyMap<string, V>, change: (value: V) => V): Map<string, V> {
  return new Map([...map].map(([key, value]) => [key, change(value)]))
}

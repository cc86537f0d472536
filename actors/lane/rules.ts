/**
 * The rules by which a lane lends the places of one RunPod endpoint: `Draft` holds the lane during one decision, and
 * collects the calls to jobs. No clock, no I/O.
 *
 * Places are offered: the next job receives an offer for a free place, then asks and is granted it. Periodic asks make
 * up for lost offers. A place is a debt of its job, so it can only be lost if its job never committed the grant, or if
 * the platform lost the alarm that returns it: while jobs wait, the lane queries the holders, and reclaims such places.
 */
import { afterOutcome, closed, type Outcome, PROBE_MS, probeEndsAt, withoutProbe } from './breaker.ts'
import { ahead, inTurn, joiningTurn, lastTurn, nextTurn } from './order.ts'
import { Sheet } from './sheet.ts'
import {
  type Ask,
  keyOf,
  type Lane,
  type OpenBreaker,
  type Pause,
  type Place,
  type PlaceRef,
  type Waiter,
} from './state.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
/** The time in which a job that accepted an offer must ask. */
export const OFFER_MS = 30 * SECOND
/** The pause before the holder of a place is queried, or a job that was passed over is called, and between such calls. */
export const CHECK_MS = 3 * MINUTE
/** The interval in which a waiting job asks again by itself. */
export const ASK_AGAIN_MS = 15 * MINUTE
/** The most jobs with an offer at a time: after an outage all waiting jobs are called, but not at once. */
export const MAX_OFFERED = 50
/** The most jobs and holders called by one decision: after a restart all of them are due at once. */
export const MAX_CHECKED = 50

export type AskAnswer =
  /** `tellOutcome`: the job must report the outcome of this dispatch, even if RunPod accepts it. */
  | { readonly kind: 'granted'; readonly tellOutcome: boolean }
  | {
      readonly kind: 'waiting'
      readonly ahead: number
      readonly aheadOfProject: number
      /** The number of waiting jobs. */
      readonly waiting: number
      readonly reason: WaitReason
      readonly askAgainAt: number
    }
  /** The job has returned this place already, so the ask is out of date. */
  | { readonly kind: 'stale' }

export type WaitReason =
  | { readonly kind: 'places' }
  | { readonly kind: 'paused'; readonly pause: Pause }
  | { readonly kind: 'refused'; readonly breaker: OpenBreaker }

/** A call to be made to a job. */
export interface Call {
  readonly type: 'offer' | 'holds'
  readonly ref: PlaceRef
  /** Of the ask that it refers to: the answer is ignored if the job has asked again since. */
  readonly version: number
}

export class Draft {
  lane: Lane
  readonly calls: Call[] = []
  readonly now: number
  readonly places: Sheet<string, Place>
  readonly waiters: Sheet<string, Waiter>
  readonly turns: Sheet<number, number>
  /** The number of places; null for any number. */
  readonly #limit: number | null

  constructor(lane: Lane, limit: number | null, now: number) {
    this.lane = lane
    this.places = new Sheet(lane.places)
    this.waiters = new Sheet(lane.waiters)
    this.turns = new Sheet(lane.turns)
    this.#limit = limit
    this.now = now
  }

  // Calls by jobs

  /** Idempotent: a granted ask is granted again. `releasedVersion`: of the job's last release, if known. */
  ask(ask: Ask, releasedVersion: number | null): AskAnswer {
    const key = keyOf(ask)
    if (releasedVersion !== null && ask.version <= releasedVersion) return { kind: 'stale' }
    this.#expire()
    // A lane without a limit knows only the probe's grant.
    if (this.lane.places.has(key) || this.lane.breaker?.probe?.key === key) return this.#granted(key)
    const known = this.lane.waiters.get(key)
    const waiter: Waiter =
      known && isRepeated(known, ask)
        ? known
        : {
            ...ask,
            since: known?.since ?? this.now,
            offeredAt: known?.offeredAt ?? null,
            passedOver: false,
            calledAt: null,
          }
    if (known?.passedOver) this.#setTurn(ask.projectId, joiningTurn(this.lane, ask.projectId))
    if (this.#mayGo(waiter)) {
      this.#lend(waiter)
      const { breaker } = this.lane
      if (breaker) this.#change({ breaker: { ...breaker, probe: { key, at: this.now } } })
      this.offer()
      return this.#granted(key)
    }
    this.#wait(waiter)
    this.#check()
    this.offer()
    return this.#waiting(waiter)
  }

  /** The job no longer needs the place, or no longer waits for it. */
  release(ref: PlaceRef): void {
    const key = keyOf(ref)
    this.#removePlace(key)
    this.#removeWaiters([key])
    this.lane = withoutProbe(this.lane, key)
    this.offer()
  }

  /** The outcome of a dispatch. */
  outcome(ref: PlaceRef, outcome: Outcome): void {
    const { breaker } = this.lane
    this.#change(afterOutcome(this.lane, keyOf(ref), outcome, this.now))
    if (this.lane.breaker !== breaker) this.#withdraw()
    this.offer()
  }

  /** A job was sent without a grant, as the lane did not answer. */
  took(ask: Ask): void {
    if (!this.lane.places.has(keyOf(ask))) this.#lend(ask, false)
  }

  /** A job's answer to an offer. `error`: the job could not be reached. */
  offerAnswered({ ref, version }: Call, answer: 'coming' | 'no' | 'error'): void {
    const key = keyOf(ref)
    const waiter = this.lane.waiters.get(key)
    if (answer === 'coming' || waiter?.version !== version) return
    if (answer === 'no') this.#removeWaiters([key])
    else this.#passOver(waiter)
    this.offer()
  }

  /** A job's answer on whether it holds its place. */
  holdsAnswered({ ref, version }: Call, holds: boolean): void {
    const key = keyOf(ref)
    if (!holds && this.lane.places.get(key)?.version === version) this.#removePlace(key)
    this.offer()
  }

  // Calls by operators

  setPause(pause: Pause | null): void {
    this.#change({ pause })
    this.#withdraw()
    this.offer()
  }

  /** Closes the breaker: by hand, or because the endpoint's url or key has changed. */
  closeBreaker(): void {
    this.#change(closed(this.lane, this.now))
    this.offer()
  }

  // Time

  /** Handles what is due: expired places and waiters, offers without an ask, queries of holders, calls to jobs. */
  wake(): void {
    this.#expire()
    this.#check()
    this.offer()
  }

  /** Called when the lane is in memory again: repeats the calls of offers, which may not have been made. */
  resume(): void {
    for (const waiter of this.#offered())
      if (offerEndsAt(waiter) > this.now) this.calls.push(callOf('offer', waiter))
    this.offer()
  }

  /** Offers free places to the next waiting jobs. */
  offer(): void {
    if (this.lane.waiters.size === 0 || this.#gate() !== null) return
    let free = this.#free()
    if (free <= 0) return
    for (const waiter of inTurn(this.lane)) {
      if (waiter.offeredAt !== null) continue
      if (free-- <= 0) return
      this.#setWaiter({ ...waiter, offeredAt: this.now })
      this.calls.push(callOf('offer', waiter))
    }
  }

  // Deciding

  #expire(): void {
    const { now } = this
    for (const [key, { until }] of this.lane.places) if (until <= now) this.#removePlace(key)
    const expired: string[] = []
    for (const [key, waiter] of this.lane.waiters) {
      if (waiter.until <= now) expired.push(key)
      else if (offerEndsAt(waiter) <= now) this.#passOver(waiter)
    }
    this.#removeWaiters(expired)
    const { breaker } = this.lane
    if (breaker?.probe && breaker.probe.at + PROBE_MS <= now) {
      this.lane = withoutProbe(this.lane, breaker.probe.key)
    }
  }

  /**
   * Only while jobs wait: before that, a place that is held by nobody delays nobody. A job that was passed over is called
   * without a place being reserved, so that it asks again although the platform lost its alarm.
   */
  #check(): void {
    if (this.lane.waiters.size === 0) return
    let left = MAX_CHECKED
    for (const waiter of this.lane.waiters.values()) {
      if (callAt(waiter) > this.now) continue
      if (left-- <= 0) return
      this.#setWaiter({ ...waiter, calledAt: this.now })
      this.calls.push(callOf('offer', waiter))
    }
    for (const place of this.lane.places.values()) {
      if (checkAt(place) > this.now) continue
      if (left-- <= 0) return
      this.#setPlace({ ...place, checkedAt: this.now })
      this.calls.push(callOf('holds', place))
    }
  }

  #mayGo(waiter: Waiter): boolean {
    if (this.#gate() !== null) return false
    if (waiter.offeredAt !== null) return true
    if (this.#limit === null && !this.lane.breaker && this.lane.waiters.size === 0) return true
    const free = this.#free()
    if (free <= 0) return false
    const key = keyOf(waiter)
    const order = inTurn({ ...this.lane, waiters: new Map(this.lane.waiters).set(key, waiter) })
    const place = order.filter(({ offeredAt }) => offeredAt === null).findIndex((each) => keyOf(each) === key)
    return place < free
  }

  /** Why nothing is granted; null when jobs may be sent. */
  #gate(): WaitReason | null {
    const { pause, breaker } = this.lane
    if (pause) return { kind: 'paused', pause }
    if (breaker && (this.now < breaker.until || breaker.probe)) return { kind: 'refused', breaker }
    return null
  }

  /** The number of places to offer; while the breaker is open, only one, for the probe. */
  #free(): number {
    let offered = 0
    for (const { offeredAt } of this.lane.waiters.values()) if (offeredAt !== null) offered++
    const unlent = this.#limit === null ? MAX_OFFERED : this.#limit - this.lane.places.size
    return Math.min(this.lane.breaker ? 1 : MAX_OFFERED, unlent) - offered
  }

  /** Withdraws all offers while nothing is granted: their jobs would come in vain, and be passed over. */
  #withdraw(): void {
    if (this.#gate() === null) return
    for (const waiter of this.#offered()) this.#setWaiter({ ...waiter, offeredAt: null })
  }

  #offered(): Waiter[] {
    return [...this.lane.waiters.values()].filter(({ offeredAt }) => offeredAt !== null)
  }

  #lend(asked: Ask, isInTurn = true): void {
    const { jobId, round, dispatch, version, projectId, priority, until } = asked
    const ask: Ask = { jobId, round, dispatch, version, projectId, priority, until }
    const key = keyOf(ask)
    this.#removeWaiters([key])
    if (this.lane.turns.has(projectId))
      this.#setTurn(projectId, isInTurn ? nextTurn(this.lane, projectId) : lastTurn(this.lane))
    if (this.#limit === null) return
    this.#setPlace({ ...ask, grantedAt: this.now, checkedAt: null })
  }

  #granted(key: string): AskAnswer {
    const { breaker, ambiguous } = this.lane
    return { kind: 'granted', tellOutcome: ambiguous > 0 || breaker?.probe?.key === key }
  }

  #waiting(waiter: Waiter): AskAnswer {
    const { all, own } = ahead(this.lane, waiter)
    return {
      kind: 'waiting',
      ahead: all,
      aheadOfProject: own,
      waiting: this.lane.waiters.size,
      reason: this.#gate() ?? { kind: 'places' },
      askAgainAt: this.now + ASK_AGAIN_MS,
    }
  }

  #wait(waiter: Waiter): void {
    this.#setTurn(waiter.projectId, joiningTurn(this.lane, waiter.projectId))
    this.#setWaiter(waiter)
  }

  #passOver(waiter: Waiter): void {
    this.#setWaiter({ ...waiter, offeredAt: null, passedOver: true, calledAt: this.now })
  }

  #setPlace(place: Place): void {
    this.places.set(keyOf(place), place)
    this.#change({ places: this.places.map })
  }

  #removePlace(key: string): void {
    this.places.remove(key)
    this.#change({ places: this.places.map })
  }

  #setWaiter(waiter: Waiter): void {
    if (this.waiters.map.get(keyOf(waiter)) === waiter) return
    this.waiters.set(keyOf(waiter), waiter)
    this.#change({ waiters: this.waiters.map })
  }

  #setTurn(projectId: number, turn: number): void {
    if (this.lane.turns.get(projectId) === turn) return
    this.turns.set(projectId, turn)
    this.#change({ turns: this.turns.map })
  }

  /** A project has a turn only while it waits. */
  #removeWaiters(keys: readonly string[]): void {
    const projects = new Set<number>()
    for (const key of keys) {
      const waiter = this.waiters.map.get(key)
      if (!waiter) continue
      projects.add(waiter.projectId)
      this.waiters.remove(key)
    }
    if (projects.size === 0) return
    for (const { projectId } of this.waiters.map.values()) {
      if (projects.delete(projectId) && projects.size === 0) break
    }
    for (const projectId of projects) this.turns.remove(projectId)
    this.#change({ waiters: this.waiters.map, turns: this.turns.map })
  }

  #change(changes: Partial<Lane>): void {
    this.lane = { ...this.lane, ...changes }
  }
}

/** When the lane is due next, in milliseconds since 1970; null while nothing is, in particular while no job waits. */
export function wakeAt(lane: Lane, now: number): number | null {
  const { breaker, pause, places, waiters } = lane
  if (waiters.size === 0) return null
  let first = Number.POSITIVE_INFINITY
  for (const place of places.values()) first = Math.min(first, place.until, checkAt(place))
  for (const waiter of waiters.values()) {
    first = Math.min(first, waiter.until, callAt(waiter), offerEndsAt(waiter))
  }
  // At the end of the breaker's pause the next job is offered the probe, and no instant remains.
  const breakerAt = breaker && !pause ? (probeEndsAt(breaker) ?? breaker.until) : now
  return breakerAt > now ? Math.min(first, breakerAt) : first
}

/** A waiting job asks again periodically: nothing is changed then, and thus nothing is copied. */
function isRepeated(known: Waiter, { version, projectId, priority, until }: Ask): boolean {
  const isSame = known.version === version && known.until === until && known.priority === priority
  return isSame && known.projectId === projectId && !known.passedOver
}

function checkAt({ grantedAt, checkedAt }: Place): number {
  return (checkedAt ?? grantedAt) + CHECK_MS
}

function offerEndsAt({ offeredAt }: Waiter): number {
  return offeredAt === null ? Number.POSITIVE_INFINITY : offeredAt + OFFER_MS
}

function callAt({ passedOver, calledAt, since }: Waiter): number {
  return passedOver ? (calledAt ?? since) + CHECK_MS : Number.POSITIVE_INFINITY
}

function callOf(type: Call['type'], { jobId, round, dispatch, version }: Ask): Call {
  return { type, ref: { jobId, round, dispatch }, version }
}

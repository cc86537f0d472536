/** The invariants of a lane, checked from outside: by the commits of the jobs, and the order of grants. */

import { findAttempt } from '../../actors/export-job/core/attempts.ts'
import { holdsPlace, owedPlaces } from '../../actors/export-job/core/debts/places.ts'
import type { Job } from '../../actors/export-job/core/job.ts'
import { isIn } from '../../actors/export-job/core/phase.ts'
import { keyOf, type Lane, type Place, type Waiter } from '../../actors/lane/state.ts'
import type { Town } from './town.ts'

const MINUTE = 60_000
const LOOK_MS = 30_000
/** The lane queries a place that no job holds after 3 min; plus the delay of messages. */
const LOST_MS = 3 * MINUTE + LOOK_MS + 10_000
/** A job that was not reached is called again within 3 min; after that it must receive a free place. */
const KIND_MS = 4 * MINUTE
const IDLE_MS = 3 * MINUTE + LOOK_MS + 10_000

/** Two projects that both wait. */
interface Pair {
  /** The offers that stood when both began to wait, by their instants. */
  readonly offered: ReadonlyMap<string, number | null>
  /** Grants to each of them since then, without those of such offers. */
  readonly grants: Map<number, number>
  /** Grants of such offers: a project has had its turn by one, whether or not it counts as taken too early. */
  readonly early: Map<number, number>
  /** How many grants one may be ahead. */
  readonly ahead: number
}

export class LaneWatch {
  readonly #town: Town
  readonly #bypassed = new Set<string>()
  readonly #sent = new Set<string>()
  readonly #pairs = new Map<string, Pair>()
  readonly #lostSince = new Map<string, number>()
  #idleSince: number | null = null
  #looks = false

  constructor(town: Town) {
    this.#town = town
  }

  /** The lane did not answer: the job was sent without it. */
  bypassed(key: string): void {
    this.#bypassed.add(key)
  }

  changed(before: Lane, lane: Lane): void {
    const { plan } = this.#town
    const lent = [...lane.places.keys()].filter((key) => !this.#bypassed.has(key)).length
    if (plan.places !== null && lent > plan.places) this.#fail('no place is lent twice', `${lent} are lent`)
    if (withholds(lane, plan.places))
      this.#fail('a place that is free is offered', [...lane.waiters.keys()].join())
    for (const [key, place] of lane.places) {
      if (before.places.has(key)) continue
      const waiter = before.waiters.get(key)
      if (this.#bypassed.has(key)) this.#restart(place.projectId)
      else if (waiter) this.#granted(waiter, lane)
    }
    this.#pairUp(lane)
    this.#lookLater(lane)
  }

  /** After each commit of a job: attempts sent with a place that was not returned, or still run, never exceed the places. */
  committed(): void {
    const { plan, worlds, hasJumps } = this.#town
    if (plan.places === null || hasJumps) return
    const held = worlds.flatMap(({ actor }) => (actor.disk.job ? this.#heldBy(actor.disk.job) : []))
    const lent = held.filter((key) => !this.#bypassed.has(key))
    if (lent.length > plan.places) this.#fail('no place is lent twice', lent.join())
  }

  #heldBy(job: Job): string[] {
    const held = sentWithPlace(job)
    for (const key of held) this.#sent.add(key)
    // A handler that has reported its completion returns by itself.
    if (isIn(job.phase, 'verifying')) return held
    const running = job.attempts
      .filter(({ endedAt, remote }) => endedAt === null && remote !== 'ended')
      .map(({ round, attempt }) => keyOf({ jobId: job.request.id, round, dispatch: attempt }))
    return [...new Set([...held, ...running.filter((key) => this.#sent.has(key))])]
  }

  /** A place was granted to a waiting job; by an offer made before both projects waited, none is ahead of the other. */
  #granted(waiter: Waiter, after: Lane): void {
    const { projectId, offeredAt } = waiter
    for (const { offered, grants, early, ahead } of this.#pairs.values()) {
      const own = grants.get(projectId)
      if (own === undefined) continue
      if (offeredAt !== null && offered.get(keyOf(waiter)) === offeredAt) {
        early.set(projectId, (early.get(projectId) ?? 0) + 1)
        continue
      }
      grants.set(projectId, own + 1)
      for (const [other, count] of grants) {
        const kept = [...after.waiters.values()].filter(
          (each) => each.projectId === other && each.offeredAt !== null,
        ).length
        // A project all of whose jobs are kept a place waits for nothing but them.
        const all = [...after.waiters.values()].filter((each) => each.projectId === other && isThere(each))
        if (kept < all.length && own + 1 - count - (early.get(other) ?? 0) - kept > ahead)
          this.#fail('projects take turns', `${own + 1} of ${projectId}, ${count} of ${other}`)
      }
    }
  }

  /**
   * A job was sent without the lane, out of turn, whether it waited there or not: its project's pairs count anew. That was
   * a turn of the project, of which the lane may have learned or not.
   */
  #restart(projectId: number): void {
    for (const [name, { offered, grants }] of this.#pairs) {
      if (!grants.has(projectId)) continue
      const none = new Map([...grants.keys()].map((project) => [project, 0]))
      this.#pairs.set(name, { offered, grants: none, early: new Map(), ahead: 2 })
    }
  }

  #pairUp(lane: Lane): void {
    const waiting = [...new Set([...lane.waiters.values()].filter(isThere).map(({ projectId }) => projectId))]
    const live = waiting.flatMap((a) => waiting.filter((b) => a < b).map((b) => [a, b] as const))
    const names = new Set(live.map(String))
    for (const name of this.#pairs.keys()) if (!names.has(name)) this.#pairs.delete(name)
    const offered = new Map([...lane.waiters].map(([key, { offeredAt }]) => [key, offeredAt]))
    for (const pair of live) {
      if (this.#pairs.has(String(pair))) continue
      const grants = new Map(pair.map((project) => [project, 0]))
      this.#pairs.set(String(pair), { offered, grants, early: new Map(), ahead: 1 })
    }
  }

  /** Periodically while jobs wait. */
  #lookLater(lane: Lane): void {
    if (this.#looks || lane.waiters.size === 0) return
    this.#looks = true
    this.#town.clock.after(LOOK_MS, () => {
      this.#looks = false
      const { state } = this.#town.lane
      this.#look(state)
      this.#lookLater(state)
    })
  }

  #look(lane: Lane): void {
    const { clock, kindMs, hasJumps } = this.#town
    if (kindMs < 0 || hasJumps) return
    for (const [key, place] of lane.places) {
      if (this.#isHeld(place)) this.#lostSince.delete(key)
      else this.#lostSince.set(key, this.#lostSince.get(key) ?? clock.now)
    }
    for (const [key, since] of this.#lostSince) {
      if (!lane.places.has(key) || lane.waiters.size === 0) this.#lostSince.delete(key)
      else if (clock.now - since > LOST_MS) this.#fail('no place is lost', key)
    }
    if (kindMs < KIND_MS) return
    if (!this.#idles(lane)) this.#idleSince = null
    else this.#idleSince ??= clock.now
    if (this.#idleSince !== null && clock.now - this.#idleSince > IDLE_MS)
      this.#fail('no job waits while a place is free', [...lane.waiters.keys()].join())
  }

  /** A place is free, the lane grants places, and a job waits. */
  #idles(lane: Lane): boolean {
    const { places } = this.#town.plan
    const held = [...lane.places.values()].filter((place) => this.#isHeld(place)).length
    if (lane.pause || lane.breaker || (places !== null && held >= places)) return false
    return this.#town.worlds.some(({ actor: { job } }) => job && 'queue' in job.phase && job.phase.queue)
  }

  #isHeld({ jobId, round, dispatch }: Place): boolean {
    const job = this.#town.worlds.find(({ request }) => request.id === jobId)?.actor.disk.job
    return job != null && holdsPlace(job, { round, attempt: dispatch })
  }

  #fail(promise: string, detail: string): never {
    return this.#town.fail(promise, detail)
  }
}

function sentWithPlace(job: Job): string[] {
  return owedPlaces(job)
    .filter(({ next }) => holdsPlace(job, next) && findAttempt(job, next))
    .map(({ next }) => keyOf({ jobId: job.request.id, round: next.round, dispatch: next.attempt }))
}

/** Whether the lane is open, a place is neither lent nor offered, and a job waits that was not passed over. */
function withholds({ pause, breaker, places, waiters }: Lane, limit: number | null): boolean {
  if (pause || breaker || limit === null) return false
  const offered = [...waiters.values()].filter(({ offeredAt }) => offeredAt !== null).length
  const isLeftOut = [...waiters.values()].some((each) => each.offeredAt === null && isThere(each))
  return isLeftOut && places.size + offered < limit
}

function isThere({ passedOver }: Waiter): boolean {
  return !passedOver
}

/**
 * The lane of one RunPod endpoint: one actor for each name in the settings. It lends places, alternates between
 * projects, and detects when RunPod refuses jobs. Every method is idempotent. The rules decide; this file commits, arms
 * the alarm and calls the jobs.
 */

import { DurableObject } from 'cloudflare:workers'
import { createHash } from 'node:crypto'
import type { LaneJson } from '../../wire/admin.ts'
import { BoundedMap } from '../shared/bounded-map.ts'
import type { ActorEnv } from '../shared/env.ts'
import { logFault, writeLine } from '../shared/log.ts'
import { settingsOf } from '../shared/settings.ts'
import { metOutage, type Outcome } from './breaker.ts'
import { type AskAnswer, type Call, Draft, wakeAt } from './rules.ts'
import { type Ask, keyOf, type Lane as LaneState, type PlaceRef } from './state.ts'
import { LaneStore } from './store.ts'
import { viewOf } from './view.ts'

/** The methods of a job that a lane calls. */
export interface LaneJob extends Rpc.DurableObjectBranded {
  /** A place is reserved for the job for a while. */
  offer(ref: PlaceRef): Promise<'coming' | 'no'>
  holds(ref: PlaceRef): Promise<boolean>
}

export interface LaneEnv extends Omit<ActorEnv, 'EXPORT_JOB'> {
  EXPORT_JOB: DurableObjectNamespace<LaneJob>
}

/** Who pauses or resumes a lane, and why. */
export interface Operator {
  readonly by: string
  readonly reason: string
}

/** Bounds the memory of releases. */
const MAX_RELEASES = 10_000
/**
 * How long an ask may still be in transit when its place is returned. Later asks for the place are new: a job created
 * again under the id of a deleted one begins with the first version.
 */
const IN_TRANSIT_MS = 60_000
/** The alarm may fire this much late, so that a busy lane does not reset it constantly. */
const ALARM_SLACK_MS = 1_000
/** An alarm overdue by this much was lost. */
const LOST_ALARM_MS = 60_000

export class Lane extends DurableObject<LaneEnv> {
  readonly #store: LaneStore
  readonly #name: string
  /**
   * The places of the endpoint; null for any number. 0 once it is not in the settings, so that its jobs wait and show
   * why.
   */
  readonly #limit: number | null
  readonly #target: string
  /** The version of each place's last release. */
  readonly #releases = new BoundedMap<{ readonly version: number; readonly at: number }>(MAX_RELEASES)
  #lane: LaneState
  #armedAt: number | null = null

  constructor(ctx: DurableObjectState, env: LaneEnv) {
    super(ctx, env)
    const answer = settingsOf(env)
    const settings = answer.ok ? answer.settings : null
    this.#name = ctx.id.name ?? ''
    const endpoint = settings?.endpoints.get(this.#name)
    this.#limit = endpoint ? endpoint.places : 0
    this.#target = createHash('sha256').update(`${endpoint?.url}\n${settings?.runpodApiKey}`).digest('hex')
    this.#store = new LaneStore(ctx.storage)
    this.#lane = this.#store.load()
    void ctx.blockConcurrencyWhile(async () => {
      this.#armedAt = await ctx.storage.getAlarm()
      const isRetargeted = this.#store.target !== '' && this.#store.target !== this.#target
      this.#decide((draft) => {
        draft.resume()
        if (isRetargeted) draft.closeBreaker()
      })
    })
  }

  // Calls by jobs

  async ask(ask: Ask): Promise<AskAnswer> {
    return this.#decide((draft) => draft.ask(ask, this.#releasedVersion(ask)))
  }

  /** @param version of the job's commit that returns the place */
  async release(ref: PlaceRef, version: number): Promise<void> {
    const key = keyOf(ref)
    const asked = this.#lane.places.get(key) ?? this.#lane.waiters.get(key)
    // The release is older than the current ask.
    if (asked && asked.version > version) return
    this.#releases.set(key, { version, at: Date.now() })
    this.#decide((draft) => draft.release(ref))
  }

  /** The answer of `/run`. Refusals and ambiguous answers are always reported, others where the grant requires it. */
  async outcome(ref: PlaceRef, outcome: Outcome): Promise<void> {
    this.#decide((draft) => draft.outcome(ref, outcome))
  }

  /** The job was sent without a grant, since the lane did not answer. */
  async took(ask: Ask): Promise<void> {
    const released = this.#releasedVersion(ask)
    if (released === null || released < ask.version) this.#decide((draft) => draft.took(ask))
  }

  /**
   * Whether an attempt whose acceptance by RunPod is unknown should not count, because it coincided with an outage.
   *
   * @param sentAt milliseconds since 1970
   */
  async metOutage(sentAt: number): Promise<boolean> {
    return metOutage(this.#lane, sentAt)
  }

  // Calls by operators

  /** Nobody is sent from now on; who pauses a paused lane says so in vain. */
  async pause({ by, reason }: Operator): Promise<LaneJson> {
    if (!this.#lane.pause) {
      const at = Date.now()
      this.#decide((draft) => draft.setPause({ by, reason, at }))
      writeLine('log', { at: 'lane_paused', lane: this.#name, by, reason })
    }
    return this.inspect()
  }

  /** Ends a pause, and closes the breaker. */
  async resume({ by, reason }: Operator): Promise<LaneJson> {
    if (this.#lane.pause || this.#lane.breaker) {
      this.#decide((draft) => {
        draft.setPause(null)
        draft.closeBreaker()
      })
      writeLine('log', { at: 'lane_resumed', lane: this.#name, by, reason })
    }
    return this.inspect()
  }

  async inspect(): Promise<LaneJson> {
    return viewOf(this.#name, this.#lane, this.#limit, Date.now())
  }

  override async alarm(): Promise<void> {
    this.#armedAt = null
    this.#decide((draft) => draft.wake())
  }

  /** The version of the place's last release, while an older ask may still arrive; null otherwise. */
  #releasedVersion(ref: PlaceRef): number | null {
    const released = this.#releases.get(keyOf(ref))
    return released && Math.abs(Date.now() - released.at) < IN_TRANSIT_MS ? released.version : null
  }

  #decide<T>(act: (draft: Draft) => T): T {
    const now = Date.now()
    const before = this.#lane
    const draft = new Draft(before, this.#limit, now)
    const answer = act(draft)
    this.#store.commit(before, draft, this.#target)
    this.#lane = draft.lane
    this.#arm(now)
    for (const call of draft.calls) this.ctx.waitUntil(this.#call(call))
    return answer
  }

  #arm(now: number): void {
    const at = wakeAt(this.#lane, now)
    if (at === null) return
    const armedAt = this.#armedAt ?? Number.POSITIVE_INFINITY
    if (armedAt <= at + ALARM_SLACK_MS && armedAt >= now - LOST_ALARM_MS) return
    this.#armedAt = at
    void this.ctx.storage.setAlarm(at)
  }

  /** Calls a job in the background, so that the caller of the lane does not wait for it. */
  async #call(call: Call): Promise<void> {
    const { type, ref } = call
    const job = this.env.EXPORT_JOB.getByName(ref.jobId)
    try {
      if (type === 'holds') {
        const holds = await job.holds(ref)
        this.#decide((draft) => draft.holdsAnswered(call, holds))
      } else {
        const answer = await job.offer(ref)
        this.#decide((draft) => draft.offerAnswered(call, answer))
      }
    } catch (error) {
      logFault('lane', error, { lane: this.#name, job_id: ref.jobId, call: type })
      if (type === 'offer') this.#decide((draft) => draft.offerAnswered(call, 'error'))
    }
  }
}

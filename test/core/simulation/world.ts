/** One job and everything around it, on a virtual clock: the service, its stores, RunPod, workers and people. */
import type { Command } from '../../../actors/export-job/core/events.ts'
import type { JobRequest } from '../../../actors/export-job/core/job.ts'
import { aRequest, HOOK, T0 } from '../../support/node/builders.ts'
import { Actor } from './actor.ts'
import { Chance, Clock } from './clock.ts'
import { Watch } from './invariants.ts'
import { Network } from './network.ts'
import type { CommandType, Outage, Plan, Service } from './plan.ts'
import { Receiver } from './receiver.ts'
import { Runpod } from './runpod.ts'
import { Bucket, List } from './stores.ts'

const MOST_EVENTS = 30_000

export class World {
  readonly plan: Plan
  readonly clock = new Clock(T0)
  readonly chance: Chance
  readonly request: JobRequest
  readonly watch: Watch
  readonly network: Network
  readonly bucket: Bucket
  readonly list: List
  readonly runpod: Runpod
  readonly receiver: Receiver
  readonly actor: Actor
  /** By how much the service's clock is ahead of true time. */
  skewMs = 0
  alarmsLost = 0
  deaths = 0
  readonly notes: string[] | null
  readonly #blackouts: Outage[] = []

  constructor(plan: Plan, traced: boolean) {
    this.plan = plan
    this.notes = traced ? [] : null
    this.chance = new Chance(plan.seed)
    const webhook = plan.receiver && { ...HOOK, events: plan.receiver.events }
    this.request = aRequest({ id: 'job', policy: plan.policy, webhook })
    this.watch = new Watch(this)
    this.network = new Network(this)
    this.bucket = new Bucket(this)
    this.list = new List(this)
    this.runpod = new Runpod(this)
    this.receiver = new Receiver(this)
    this.actor = new Actor(this)
  }

  /** What the service's clock shows. */
  get wall(): number {
    return this.clock.now + this.skewMs
  }

  get isFaulty(): boolean {
    return this.clock.now < T0 + this.plan.faultsMs
  }

  get startedAt(): number {
    return T0
  }

  get inputKey(): string {
    return this.request.inputVideoKey
  }

  get outputPrefix(): string {
    return `output/${this.request.id}/`
  }

  /** R2 falls silent just after a file was stored, when its worker is about to say so. */
  fileStored(): void {
    const { chance, plan, isFaulty } = this
    if (!isFaulty || !chance.percent(plan.rates.blackout)) return
    const afterMs = this.clock.now - T0 + 300
    const lengthMs = chance.between(1_000, 600_000)
    this.#blackouts.push({ service: 'r2', afterMs, lengthMs, silent: chance.percent(50) })
  }

  /** The outage that a service suffers just now. */
  outageOf(service: Service): Outage | undefined {
    if (!this.isFaulty) return undefined
    const since = this.clock.now - T0
    return [...this.plan.outages, ...this.#blackouts].find(
      (outage) =>
        outage.service === service && since >= outage.afterMs && since < outage.afterMs + outage.lengthMs,
    )
  }

  note(text: string): void {
    this.notes?.push(`${stamp(this.clock.now - T0)}  ${text}`)
  }

  /** Plays the run until nothing is left to happen. */
  play(): void {
    this.bucket.put(this.inputKey, 5_000)
    this.#create()
    for (const { type, afterMs } of this.plan.commands) this.clock.after(afterMs, () => this.#command(type))
    for (const { afterMs, byMs } of this.plan.jumps) this.clock.after(afterMs, () => this.#jump(byMs))
    for (const afterMs of this.plan.receiver?.again ?? []) this.clock.after(afterMs, () => this.#sendAgain())
    let events = 0
    while (this.clock.step()) {
      if (++events > MOST_EVENTS) return this.watch.fail('the world never comes to rest')
    }
    this.watch.atRest()
  }

  /** The Worker inserts the birth row, then calls the actor until it answers. */
  #create(): void {
    const { wall: at } = this
    this.list.insertBirth({
      version: 0,
      status: 'pending',
      progress: 0,
      stage: null,
      output_video_key: null,
      error: null,
      error_code: null,
      runpod_job_id: null,
      attempt: 0,
      round: 1,
      started_at: null,
      finished_at: null,
      expires_at: null,
      due_at: at,
      gpu_seconds: 0,
      wasted_seconds: 0,
      queue_seconds: null,
      total_seconds: null,
      webhooks_taken: 0,
      webhooks_failed: 0,
      archived: false,
    })
    const again = () => {
      if (!this.actor.create(this.request)) this.clock.after(200, again)
    }
    again()
  }

  /** A person's command; after a delete the Worker hides the row, so that no list shows it any more. */
  #command(type: CommandType): void {
    if (!this.actor.job) return
    const reply = this.actor.deliver(this.#commandOf(type))
    this.note(`${type}: ${reply === null ? 'no answer' : reply.ok ? 'ok' : reply.code}`)
    const { job } = this.actor
    if (type !== 'delete' || !reply?.ok || job?.phase.status !== 'deleting') return
    const { version, phase } = job
    this.network.call(
      'd1',
      20_000,
      () => this.list.hide(version, phase.until),
      () => {},
    )
  }

  #commandOf(type: CommandType): Command {
    const by = 'someone'
    if (type !== 'extendDeadline') return { type, by }
    return { type, by, deadlineAt: this.wall + this.chance.between(1, this.plan.policy.deadlineMs) }
  }

  /** A person picks one of the job's messages. */
  #sendAgain(): void {
    const { job } = this.actor
    if (!job) return
    const known = [...job.outbox.webhooks, ...job.outbox.webhooksSettled]
    const picked = known[this.chance.between(0, known.length)]
    this.actor.deliver({ type: 'redeliver', id: picked?.id ?? 'unknown', by: 'someone' })
  }

  #jump(byMs: number): void {
    this.skewMs += byMs
    this.note(`the clock of the service jumps by ${Math.round(byMs / 1_000)} s`)
    this.actor.clockJumped()
  }
}

function stamp(ms: number): string {
  const seconds = Math.floor(ms / 1_000)
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60]
  return `${parts.map((part) => String(part).padStart(2, '0')).join(':')}.${String(ms % 1_000).padStart(3, '0')}`
}

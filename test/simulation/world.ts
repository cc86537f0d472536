/** One job and its environment, on the town's clock: the service, its stores, RunPod, workers and people. */
import type { Command } from '../../actors/export-job/core/events.ts'
import type { Endpoint, JobRequest } from '../../actors/export-job/core/job.ts'
import { mirrorRowOf } from '../../actors/export-job/core/shown/mirror-row.ts'
import { accept } from '../../actors/export-job/core/transition.ts'
import { aRequest, HOOK, T0 } from '../support/node/builders.ts'
import { Actor } from './actor.ts'
import { Chance, type Clock } from './clock.ts'
import { Watch } from './invariants.ts'
import type { SimulatedLane } from './lane.ts'
import { Network } from './network.ts'
import type { CommandType, Outage, Plan, Service } from './plan.ts'
import { Receiver } from './receiver.ts'
import { Runpod } from './runpod.ts'
import { Bucket, List } from './stores.ts'
import type { Town } from './town.ts'

export class World {
  readonly plan: Plan
  readonly town: Town
  readonly clock: Clock
  readonly chance: Chance
  readonly request: JobRequest
  readonly watch: Watch
  readonly network: Network
  readonly bucket: Bucket
  readonly list: List
  readonly runpod: Runpod
  readonly lane: SimulatedLane
  readonly receiver: Receiver
  readonly actor: Actor
  /** By how much the service's clock is ahead of true time. */
  skewMs = 0
  alarmsLost = 0
  deaths = 0
  linesOpened = 0
  linesCut = 0
  readonly #blackouts: Outage[] = []

  constructor(town: Town, plan: Plan, number: number) {
    this.town = town
    this.clock = town.clock
    this.plan = plan
    this.chance = new Chance(plan.seed)
    const webhook = plan.receiver && { ...HOOK, events: plan.receiver.events }
    this.request = aRequest({
      id: `job-${number}`,
      projectId: 1 + (number % 2),
      policy: plan.policy,
      webhook,
    })
    this.watch = new Watch(this)
    this.network = new Network(this)
    this.bucket = new Bucket(this)
    this.list = new List(this)
    this.runpod = new Runpod(this)
    this.lane = town.lane
    this.receiver = new Receiver(this)
    this.actor = new Actor(this)
  }

  /** The time by the service's clock. */
  get wall(): number {
    return this.clock.now + this.skewMs
  }

  get isFaulty(): boolean {
    return this.clock.now < T0 + this.plan.faultsMs
  }

  get startedAt(): number {
    return T0
  }

  /** The endpoint in the current settings; null while they name none. */
  get endpoint(): Endpoint | null {
    const since = this.clock.now - T0
    const move = this.plan.moves.findLast(({ afterMs }) => afterMs <= since)
    const url = move ? move.url : 'a'
    return url === null && this.isFaulty ? null : { name: 'default', url: url ?? 'a', pricePerSecond: null }
  }

  get inputKey(): string {
    return this.request.inputVideoKey
  }

  get outputPrefix(): string {
    return `output/${this.request.id}/`
  }

  /** R2 stops answering just after a file was stored, before its worker reports it. */
  fileStored(): void {
    const { chance, plan, isFaulty } = this
    if (!isFaulty || !chance.percent(plan.rates.blackout)) return
    const afterMs = this.clock.now - T0 + 300
    const lengthMs = chance.between(1_000, 600_000)
    this.#blackouts.push({ service: 'r2', afterMs, lengthMs, silent: chance.percent(50) })
  }

  /** The current outage of a service. */
  outageOf(service: Service): Outage | undefined {
    if (!this.isFaulty) return undefined
    const since = this.clock.now - T0
    return [...this.plan.outages, ...this.#blackouts].find(
      (outage) =>
        outage.service === service && since >= outage.afterMs && since < outage.afterMs + outage.lengthMs,
    )
  }

  /** The first failure, wherever it was thrown. */
  get failure(): unknown {
    return this.town.failure
  }

  set failure(error: unknown) {
    this.town.failure = error
  }

  note(text: string): void {
    this.town.note(`${this.request.id}: ${text}`)
  }

  /** Creates the job, and schedules all planned events. */
  begin(): void {
    this.bucket.put(this.inputKey, 5_000)
    this.#create()
    for (const { type, afterMs } of this.plan.commands)
      this.clock.after(afterMs, () => void this.#command(type))
    for (const { afterMs, byMs } of this.plan.jumps) this.clock.after(afterMs, () => this.#jump(byMs))
    for (const afterMs of this.plan.receiver?.again ?? []) this.clock.after(afterMs, () => this.#sendAgain())
  }

  /** The Worker inserts the birth row, then calls the actor until it answers. */
  #create(): void {
    const { wall: at } = this
    const born = mirrorRowOf(accept(this.request, at).job)
    if (born) this.list.insertBirth({ ...born, version: 0, due_at: at, archived: false })
    const again = async () => {
      if (!(await this.actor.create(this.request))) this.clock.after(200, again)
    }
    void again()
  }

  /** A command by a person; after a delete the Worker hides the row, so that no list shows it. */
  async #command(type: CommandType): Promise<void> {
    if (!this.actor.job) return
    const reply = await this.actor.deliver(this.#commandOf(type))
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

  /** A person resends one of the job's messages. */
  #sendAgain(): void {
    const { job } = this.actor
    if (!job) return
    const known = [...job.outbox.webhooks, ...job.outbox.webhooksSettled]
    const picked = known[this.chance.between(0, known.length)]
    void this.actor.deliver({ type: 'redeliver', id: picked?.id ?? 'unknown', by: 'someone' })
  }

  #jump(byMs: number): void {
    this.skewMs += byMs
    this.note(`the clock of the service jumps by ${Math.round(byMs / 1_000)} s`)
    this.actor.clockJumped()
  }
}

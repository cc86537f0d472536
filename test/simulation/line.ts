/**
 * A worker's line. On the actor's side it is a socket that survives an eviction, but not the death of the process; on
 * the worker's side it is reopened for as long as the worker runs. Messages on it are never lost individually or
 * reordered: they are delayed or repeated, or the line breaks.
 */
import type { AttemptRef } from '../../actors/export-job/core/job.ts'
import type { Socket } from '../../actors/export-job/sockets.ts'
import type { LineAnswer, WorkerMessage } from '../../wire/worker-line.ts'
import type { RemoteJob } from './runpod.ts'
import type { World } from './world.ts'

const FIRST_PAUSE_MS = 500
const MAX_PAUSE_MS = 30_000
const PING_MS = 15_000

/** The remote end: the worker. */
interface Worker {
  hear(answer: LineAnswer): void
  left(): void
}

/** One connection, from the actor's side. */
export class Wire implements Socket {
  readonly ref: AttemptRef
  pingedAt: number | null = null
  /** Its hello has arrived. */
  isGreeted = false
  /** Neither side has closed it, as far as the actor has been notified. */
  isOpen = true
  /** Nothing is transmitted any more, in either direction. */
  isDead = false
  /** The worker has been notified of its end, or never of its opening. */
  isLeft = false
  readonly #world: World
  readonly #worker: Worker
  #note: unknown = null
  /** When the last message sent arrives. */
  #landsAt = 0

  constructor(world: World, ref: AttemptRef, worker: Worker) {
    this.#world = world
    this.ref = ref
    this.#worker = worker
  }

  send(text: string): void {
    this.#world.clock.after(this.#world.chance.between(5, 100), () => {
      if (!this.isDead) this.#worker.hear(JSON.parse(text))
    })
  }

  close(): void {
    this.isOpen = false
    this.#world.clock.after(this.#world.chance.between(101, 200), () => this.#leave())
  }

  serializeAttachment(note: unknown): void {
    this.#note = note
  }

  deserializeAttachment(): unknown {
    return this.#note
  }

  /** Transmits a message of the worker. */
  carry(land: () => void): void {
    const { clock, chance, plan, isFaulty } = this.#world
    const late = isFaulty && chance.percent(plan.rates.delay)
    const travelMs = late ? chance.between(1_000, 20_000) : chance.between(10, 300)
    this.#landsAt = Math.max(this.#landsAt, clock.now + travelMs)
    clock.at(this.#landsAt, () => this.isDead || land())
  }

  /** Breaks the connection, possibly with messages in transit; the actor is notified a moment later. */
  breaks(): void {
    const { clock, chance, actor } = this.#world
    if (chance.percent(50)) this.isDead = true
    const seenAt = Math.max(this.isDead ? 0 : this.#landsAt, clock.now + chance.between(10, 2_000))
    clock.at(seenAt, () => void actor.hungUp(this, 1006))
    this.#world.linesCut++
    clock.after(chance.between(10, 5_000), () => this.#leave())
  }

  /** The worker closes the connection, after all its messages. */
  hangsUp(): void {
    this.carry(() => void this.#world.actor.hungUp(this, 1000))
  }

  /** The process of the actor died. */
  died(): void {
    this.isDead = true
    this.isOpen = false
    const { clock, chance } = this.#world
    clock.after(chance.between(10, 5_000), () => this.#leave())
  }

  #leave(): void {
    if (!this.isLeft) this.#worker.left()
    this.isLeft = true
  }
}

export class Line {
  readonly #world: World
  readonly #job: RemoteJob
  readonly #runpodJobId: string | null
  readonly #instance: string
  readonly #stop: () => void
  /** Called when a report was acknowledged or refused, by its number. */
  readonly #heard = new Map<number, () => void>()
  #wire: Wire | null = null
  #dials = 0
  #isOver = false

  constructor(
    world: World,
    job: RemoteJob,
    worker: { runpodJobId: string | null; instance: string; stop: () => void },
  ) {
    this.#world = world
    this.#job = job
    this.#runpodJobId = worker.runpodJobId
    this.#instance = worker.instance
    this.#stop = worker.stop
    this.#dial()
  }

  /** False when the message must be posted. `heard` is called for an end only. */
  say(message: WorkerMessage, heard: () => void = () => {}): boolean {
    const wire = this.#wire
    if (!wire) return false
    const { chance, plan, isFaulty, actor } = this.#world
    if ('n' in message) this.#heard.set(message.n, heard)
    if (isFaulty && chance.percent(plan.rates.lose / 2)) this.breaks()
    else {
      const times = isFaulty && chance.percent(plan.rates.repeat) ? 2 : 1
      const text = JSON.stringify(message)
      for (let i = 0; i < times; i++) wire.carry(() => void actor.received(wire, text))
    }
    return true
  }

  /** Without a close frame: the worker is dead, or the network fails. */
  breaks(): void {
    this.#wire?.breaks()
    this.#wire = null
  }

  /** The worker is done, or dead. */
  ends(isDeath: boolean): void {
    if (this.#isOver) return
    this.#isOver = true
    // One that went with the process of the actor, or that the actor has closed, is no line any more.
    if (isDeath && this.#wire?.isGreeted && this.#wire.isOpen) this.#world.watch.diedOnLine(this.#job.ref)
    if (isDeath) this.breaks()
    this.#wire?.hangsUp()
    this.#wire = null
  }

  #dial(): void {
    const { clock, chance, plan, isFaulty, actor } = this.#world
    if (this.#isOver) return
    if (isFaulty && chance.percent(plan.rates.lose / 2)) return this.#dialLater()
    const wire = new Wire(this.#world, this.#job.ref, {
      hear: (answer) => this.#hear(answer),
      left: () => this.#left(wire),
    })
    clock.after(chance.between(10, 300), async () => {
      if (this.#isOver) return
      // The Worker checks the token first, by the service's clock.
      if (this.#world.wall >= this.#job.putUntil) return
      const taken = await actor.dial(wire, this.#job.putUntil)
      if (taken === 'gone') return this.#hear({ type: 'stop', reason: 'gone' })
      if (taken === 'open') return this.#opened(wire)
      wire.isLeft = true
      this.#dialLater()
    })
  }

  #opened(wire: Wire): void {
    if (this.#isOver) return wire.hangsUp()
    this.#dials = 0
    this.#wire = wire
    this.#world.linesOpened++
    this.say({ type: 'hello', runpod_job_id: this.#runpodJobId, instance: this.#instance })
    this.#world.clock.after(PING_MS, () => this.#ping(wire))
  }

  #ping(wire: Wire): void {
    if (this.#wire !== wire) return
    // Answered by the platform, without waking the actor.
    wire.carry(() => {
      wire.pingedAt = this.#world.wall
    })
    this.#world.clock.after(PING_MS, () => this.#ping(wire))
  }

  #dialLater(): void {
    const pause = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.#dials++, 10))
    this.#world.clock.after(this.#world.chance.between(pause, 2 * pause), () => this.#dial())
  }

  #hear(answer: LineAnswer): void {
    if (this.#isOver) return
    if (answer.type === 'stop') return this.#stop()
    if (answer.of !== null) this.#heard.get(answer.of)?.()
  }

  #left(wire: Wire): void {
    if (this.#wire === wire) this.#wire = null
    this.#dialLater()
  }
}

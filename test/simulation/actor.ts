/**
 * The process that hosts the runner: its disk, its alarm, and every instruction at which it may die. All decisions and
 * the loop itself are the product's own code.
 */
import type { Event, Reply } from '../../actors/export-job/core/events.ts'
import type { Job, JobRequest } from '../../actors/export-job/core/job.ts'
import { CALL_LIMITS } from '../../actors/export-job/core/policy.ts'
import type { MirrorRow } from '../../actors/export-job/core/shown/mirror-row.ts'
import { type Ports, Runner } from '../../actors/export-job/runner.ts'
import { type LinePorts, WorkerLine } from '../../actors/export-job/worker-line.ts'
import type { LogLine } from '../../wire/events.ts'
import type { Wire } from './line.ts'
import { perform } from './perform.ts'
import type { World } from './world.ts'

/** Thrown where the process dies; everything only in memory is lost. */
const DEATH = new Error('the process died')

const MAX_ALARM_RETRIES = 6

interface Disk {
  job: Job | null
  readonly log: LogLine[]
  /** When the platform fires the alarm, by the service's clock. */
  alarmAt: number | null
}

/** One life of the process. Answers to a dead process are dropped. */
interface Process {
  isAlive: boolean
  readonly runner: Runner
  readonly line: WorkerLine
  /** The last row written to D1, as far as known. */
  lastMirrored: MirrorRow | null
  /** Resolves after the alarm was checked; no event is applied before. */
  readonly ready: Promise<void>
}

export class Actor {
  readonly disk: Disk = { job: null, log: [], alarmAt: null }
  /** Work continues after the current promise callbacks. */
  isBusy = false
  readonly #world: World
  #process: Process | null = null
  #alarmRuns = false
  #alarmRetries = 0
  #ringing = 0
  /** Worker sockets, which survive an eviction of the process, but not its death. */
  readonly #wires = new Set<Wire>()

  constructor(world: World) {
    this.#world = world
  }

  get job(): Job | null {
    return this.#process ? this.#process.runner.job : this.disk.job
  }

  /** False when the process died before the answer. */
  async create(request: JobRequest): Promise<boolean> {
    const answer = await this.#enter(({ runner }) => {
      runner.create(request, null)
      return true
    })
    return answer ?? false
  }

  /** A report, a webhook or a command; null when the process died. */
  deliver(event: Event): Promise<Reply | null> {
    return this.#enter((process) => {
      const { runner } = process
      const reply: Reply = runner.job ? runner.apply(event).reply : { ok: true, cancel: true }
      this.#mayDie(process, 'before the answer')
      return reply
    })
  }

  /** The sweep: sets a lost alarm again, and writes the row again. False for an empty actor. */
  async revive(): Promise<boolean | null> {
    return this.#enter(async (process) => {
      if (!process.runner.job) return false
      process.lastMirrored = null
      await process.runner.revive()
      return true
    })
  }

  /** The lane asks whether a place is held. */
  async rearm(): Promise<void> {
    await this.#enter(({ runner }) => runner.rearm())
  }

  /** The clock of the service jumped: an alarm that is now due fires now. */
  clockJumped(): void {
    if (this.disk.alarmAt !== null) this.#setAlarm(this.disk.alarmAt)
  }

  // The worker's line

  /** Null when the process died before the answer. */
  dial(wire: Wire, until: number): Promise<'open' | 'gone' | null> {
    return this.#enter((process) => {
      if (!process.runner.job) return 'gone'
      process.line.accept(wire, { ref: wire.ref, until }, this.#world.wall)
      this.#mayDie(process, 'before the answer')
      return 'open'
    })
  }

  async received(wire: Wire, text: string): Promise<void> {
    await this.#enter(({ line }) => {
      if (!wire.isOpen) return
      wire.isGreeted = true
      line.received(wire, text, this.#world.wall)
    })
  }

  async hungUp(wire: Wire, code: number): Promise<void> {
    await this.#enter(({ line }) => {
      if (!this.#wires.delete(wire)) return
      wire.isOpen = false
      line.closed(wire, code, this.#world.wall)
    })
  }

  get #openWires(): Wire[] {
    return [...this.#wires].filter(({ isOpen }) => isOpen)
  }

  // The alarm

  async #ring(): Promise<void> {
    this.#alarmRuns = true
    this.#world.note('alarm')
    this.#world.watch.rang()
    await this.#enter(async (process) => {
      const { runner } = process
      this.disk.alarmAt = null
      for (const event of process.line.seen()) runner.apply(event)
      await runner.ring()
      if (!process.isAlive) return
      this.#alarmRuns = false
      this.#alarmRetries = 0
      this.#world.watch.settled(runner.job)
    })
  }

  #setAlarm(at: number): void {
    const { clock, skewMs } = this.#world
    this.disk.alarmAt = at
    const ringing = ++this.#ringing
    clock.at(at - skewMs, () => {
      if (ringing === this.#ringing && this.disk.alarmAt === at && !this.#alarmRuns) void this.#ring()
    })
  }

  #loseAlarm(): void {
    this.#world.note('the alarm is lost')
    this.#world.alarmsLost++
    this.disk.alarmAt = null
  }

  // Life and death of the process

  #start(): Process {
    const process: Pick<Process, 'isAlive' | 'lastMirrored'> = { isAlive: true, lastMirrored: null }
    const runner = new Runner(this.#ports(() => started))
    const line = new WorkerLine(this.#linePorts(runner))
    const ready = runner.job ? runner.rearm(line.seen()) : Promise.resolve()
    const started: Process = Object.assign(process, { runner, line, ready })
    return started
  }

  #ports(of: () => Process): Ports {
    const world = this.#world
    return {
      now: () => world.wall,
      store: {
        load: () => this.disk.job,
        commit: (job, log) => this.#commit(of(), job, log),
        erase: async () => {
          this.#mayDie(of(), 'before it is emptied')
          of().line.closeAll(world.wall)
          Object.assign(this.disk, { job: null, alarmAt: null })
          this.disk.log.length = 0
        },
      },
      alarm: { get: async () => this.disk.alarmAt, set: async (at) => this.#arm(of(), at) },
      perform: (effect, job) =>
        new Promise((resolve) => {
          const process = of()
          const isAlive = () => process.isAlive
          this.#mayDie(process, 'before a call')
          perform(effect, job, { world, isAlive, memory: process }, (fact) => {
            if (isAlive() && !this.#dies(process, 'before an answer')) this.#resume(() => resolve(fact))
          })
        }),
      redact: (event) => event,
      tell: ({ before, event, step, now }) => {
        if (before && event) world.watch.decided(before, event, now, step)
        const types = step.log.map(({ type }) => type)
        if (step.durable) of().line.committed(step.job, types, now)
        if (step.job !== before && step.durable) this.#mayDie(of(), 'after a commit')
      },
      vanished: () => {
        world.watch.vanished()
        return new Promise((resolve) => {
          const answered = () => this.#resume(resolve)
          world.network.call('d1', CALL_LIMITS.storeMs, () => world.list.settle(), answered)
        })
      },
      fault: (error) => this.#fail(error),
    }
  }

  #linePorts(runner: Runner): LinePorts {
    return {
      job: () => runner.job,
      apply: (event) => runner.apply(event).reply,
      sockets: {
        accept: (wire: Wire) => this.#wires.add(wire),
        list: () => this.#openWires,
        pingedAt: ({ pingedAt }: Wire) => pingedAt,
      },
      closed: () => {},
    }
  }

  /** Row and log lines are one transaction. */
  #commit(process: Process, job: Job, log: readonly LogLine[]): [] {
    this.#mayDie(process, 'before a commit')
    this.disk.job = job
    this.disk.log.push(...log)
    this.#world.watch.committed(job, log)
    return []
  }

  #arm(process: Process, at: number): void {
    const { chance, plan, isFaulty } = this.#world
    if (!process.isAlive) return
    if (this.#alarmRuns && this.#dies(process, 'before the alarm is set again')) return
    this.#setAlarm(at)
    if (isFaulty && chance.percent(plan.rates.lostAlarm)) this.#loseAlarm()
  }

  /** Null when the process died before the answer. */
  async #enter<T>(act: (process: Process) => T | Promise<T>): Promise<T | null> {
    this.isBusy = true
    this.#process ??= this.#start()
    const process = this.#process
    try {
      await process.ready
      if (!process.isAlive) return null
      const answer = await act(process)
      if (!process.isAlive) return null
      this.#leave()
      return answer
    } catch (error) {
      this.#fail(error)
      return null
    }
  }

  /** The platform evicts an actor only while nothing runs in it. */
  #leave(): void {
    const { chance, plan, isFaulty, watch } = this.#world
    watch.linesRest(this.job, this.#openWires)
    if (this.#alarmRuns) return
    if (this.#alarmRetries === 0) watch.rests(this.job)
    if (isFaulty && chance.percent(plan.rates.evict)) this.#forget()
  }

  #resume(act: () => void): void {
    this.isBusy = true
    act()
  }

  #fail(error: unknown): void {
    if (error !== DEATH) this.#world.failure ??= error
  }

  #mayDie(process: Process, where: string): void {
    if (!process.isAlive || this.#dies(process, where)) throw DEATH
  }

  /** The platform retries an alarm whose handler died, a few times. */
  #dies(process: Process, where: string): boolean {
    const { chance, plan, isFaulty, receiver } = this.#world
    if (!isFaulty || !chance.percent(plan.rates.crash)) return false
    this.#world.note(`the process dies ${where}`)
    this.#world.deaths++
    receiver.died()
    for (const wire of this.#wires) wire.died()
    this.#wires.clear()
    this.#forget()
    process.isAlive = false
    if (!this.#alarmRuns) return true
    this.#alarmRuns = false
    const retry = this.#alarmRetries++
    if (retry < MAX_ALARM_RETRIES) {
      this.#setAlarm(this.#world.wall + 2_000 * 2 ** retry)
    } else {
      this.#alarmRetries = 0
      this.#loseAlarm()
    }
    return true
  }

  #forget(): void {
    const process = this.#process
    if (!process) return
    if (process.runner.job) this.#world.watch.forgets(process.runner.job)
    process.isAlive = false
    this.#process = null
  }
}

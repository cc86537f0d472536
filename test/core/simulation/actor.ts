/**
 * The actor around the core, reduced to what matters: what is on disk, what is only in memory, when the alarm rings,
 * and every instruction at which the process may die.
 */
import type { Event, Reply, Step } from '../../../actors/export-job/core/events.ts'
import type { Job, JobRequest } from '../../../actors/export-job/core/job.ts'
import type { MirrorRow } from '../../../actors/export-job/core/mirror-row.ts'
import { CALL_LIMITS, wakeAt } from '../../../actors/export-job/core/schedule.ts'
import { accept, transition } from '../../../actors/export-job/core/transition.ts'
import type { LogLine } from '../../../wire/events.ts'
import { perform } from './perform.ts'
import type { World } from './world.ts'

/** Thrown where the process dies; whatever was only in memory is gone. */
const DEATH = new Error('the process died')

const MOST_PASSES = 20
const MOST_ALARM_RETRIES = 6

interface Disk {
  job: Job | null
  readonly log: LogLine[]
  /** When the platform rings, by the service's clock. */
  alarmAt: number | null
}

interface Memory {
  job: Job | null
  /** When it believes that the alarm rings. */
  armedAt: number | null
  /** What D1 holds, as far as it knows. */
  lastMirrored: MirrorRow | null
}

export class Actor {
  readonly disk: Disk = { job: null, log: [], alarmAt: null }
  alarmRuns = false
  readonly #world: World
  #memory: Memory | null = null
  /** Answers to a process that has died reach nobody. */
  #life = 0
  #alarmRetries = 0
  #ringing = 0

  constructor(world: World) {
    this.#world = world
  }

  get job(): Job | null {
    return this.#memory ? this.#memory.job : this.disk.job
  }

  /** False when the process died before it could answer. */
  create(request: JobRequest): boolean {
    return this.#entered(() => {
      const now = this.#world.wall
      const memory = this.#load()
      if (memory.job) return
      this.#take(memory, accept(request, now))
    })
  }

  /** A report, a webhook or a command; null when the process died. */
  deliver(event: Event): Reply | null {
    let reply: Reply | null = null
    const alive = this.#entered(() => {
      const memory = this.#load()
      const answer: Reply = memory.job ? this.#apply(memory, event).reply : { ok: true, cancel: true }
      this.#mayDie('before the answer')
      reply = answer
    })
    return alive ? reply : null
  }

  /** The sweep: the alarm is set again if it was lost, and the row is written again. */
  heal(): 'healed' | 'empty' | 'died' {
    let empty = false
    const alive = this.#entered(() => {
      const memory = this.#load()
      empty = memory.job === null
      if (empty) return
      memory.lastMirrored = null
      this.#apply(memory, { type: 'remirror' })
      this.#rearmIfLost(memory)
    })
    return !alive ? 'died' : empty ? 'empty' : 'healed'
  }

  /** The clock of the service jumped: an alarm that is due by now rings now. */
  clockJumped(): void {
    if (this.disk.alarmAt !== null) this.#setAlarm(this.disk.alarmAt)
  }

  // The alarm

  #ring(): void {
    this.disk.alarmAt = null
    this.alarmRuns = true
    this.#world.note('alarm')
    this.#world.watch.rang()
    this.#entered(() => {
      const memory = this.#load()
      memory.armedAt = null
      this.#pass(memory, this.#life, 0)
    })
  }

  /** One wake and the calls that it asks for; when all are answered, the next. */
  #pass(memory: Memory, life: number, passes: number): void {
    const { job } = memory
    const at = job && wakeAt(job)
    if (!job || at === null || at > this.#world.wall || passes >= MOST_PASSES) return this.#settle(memory)
    const { effects } = this.#apply(memory, { type: 'wake' })
    let unanswered = effects.length
    if (unanswered === 0) return this.#pass(memory, life, passes + 1)
    for (const effect of effects) {
      this.#mayDie('before a call')
      const asked = memory.job
      if (!asked) return
      const isAlive = () => life === this.#life
      perform(effect, asked, { world: this.#world, isAlive, memory }, (answer) => {
        if (!isAlive()) return
        this.#entered(() => {
          this.#mayDie('before an answer')
          this.#apply(memory, answer)
          if (--unanswered === 0) this.#pass(memory, life, passes + 1)
        })
      })
    }
  }

  #settle(memory: Memory): void {
    this.#mayDie('before the alarm is set again')
    this.alarmRuns = false
    this.#alarmRetries = 0
    if (memory.job?.phase.status === 'gone') return this.#vanish(memory)
    const next = memory.job ? wakeAt(memory.job) : null
    if (next !== null) this.#arm(memory, next)
    this.#world.watch.settled(memory.job)
  }

  #vanish(memory: Memory): void {
    const how = memory.job?.outbox.archive ? 'archived' : 'erased'
    Object.assign(this.disk, { job: null, alarmAt: null })
    this.disk.log.length = 0
    memory.job = null
    this.#world.watch.vanished(how)
    const { network, list } = this.#world
    network.call(
      'd1',
      CALL_LIMITS.storeMs,
      () => list.settle(),
      () => {},
    )
  }

  // The one door

  #apply(memory: Memory, event: Event): Step {
    const { job } = memory
    if (!job) throw new Error('There is no job to change.')
    const now = this.#world.wall
    const step = transition(job, event, now)
    this.#world.watch.decided(job, event, now, step)
    this.#take(memory, step)
    return step
  }

  /** Row, log lines and alarm are one transaction. */
  #take(memory: Memory, step: Step): void {
    if (step.job === memory.job) return
    const durable = step.durable && step.job.phase.status !== 'gone'
    if (durable) {
      this.#mayDie('before a commit')
      this.disk.job = step.job
      this.disk.log.push(...step.log)
      this.#world.watch.committed(step)
    }
    memory.job = step.job
    const at = wakeAt(step.job)
    const isEarlier = at !== null && (memory.armedAt === null || at < memory.armedAt)
    if (!this.alarmRuns && isEarlier) this.#arm(memory, at)
    if (durable) this.#mayDie('after a commit')
  }

  #arm(memory: Memory, at: number): void {
    const { chance, plan, isFaulty } = this.#world
    memory.armedAt = at
    this.#setAlarm(at)
    if (isFaulty && chance.percent(plan.rates.lostAlarm)) this.#loseAlarm()
  }

  #setAlarm(at: number): void {
    const { clock, skewMs } = this.#world
    this.disk.alarmAt = at
    const ringing = ++this.#ringing
    clock.at(at - skewMs, () => {
      if (ringing === this.#ringing && this.disk.alarmAt === at) this.#ring()
    })
  }

  #loseAlarm(): void {
    this.#world.note('the alarm is lost')
    this.#world.alarmsLost++
    this.disk.alarmAt = null
  }

  // Life and death of the process

  /** Loads what is on disk; an alarm that was lost, or stands later than the disk asks for, is set again. */
  #load(): Memory {
    if (this.#memory) return this.#memory
    const memory: Memory = { job: this.disk.job, armedAt: null, lastMirrored: null }
    this.#memory = memory
    this.#rearmIfLost(memory)
    return memory
  }

  #rearmIfLost(memory: Memory): void {
    memory.armedAt = this.disk.alarmAt
    const at = memory.job && wakeAt(memory.job)
    if (at === null || this.alarmRuns) return
    if (memory.armedAt === null || at < memory.armedAt) this.#arm(memory, at)
  }

  #entered(act: () => void): boolean {
    const { chance, plan, isFaulty } = this.#world
    try {
      act()
    } catch (error) {
      if (error !== DEATH) throw error
      this.#die()
      return false
    }
    if (this.alarmRuns) return true
    if (this.#alarmRetries === 0) this.#world.watch.rests(this.job)
    if (isFaulty && chance.percent(plan.rates.evict)) this.#forget()
    return true
  }

  #mayDie(where: string): void {
    const { chance, plan, isFaulty } = this.#world
    if (!isFaulty || !chance.percent(plan.rates.crash)) return
    this.#world.note(`the process dies ${where}`)
    throw DEATH
  }

  #forget(): void {
    if (this.#memory?.job) this.#world.watch.forgets(this.#memory.job)
    this.#memory = null
    this.#life++
  }

  /** The platform rings an alarm again whose handler died, a few times. */
  #die(): void {
    this.#world.deaths++
    this.#world.receiver.died()
    this.#forget()
    if (!this.alarmRuns) return
    this.alarmRuns = false
    const retry = this.#alarmRetries++
    if (retry < MOST_ALARM_RETRIES) return this.#setAlarm(this.#world.wall + 2_000 * 2 ** retry)
    this.#alarmRetries = 0
    this.#loseAlarm()
  }
}

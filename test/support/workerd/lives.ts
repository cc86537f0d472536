/**
 * Random lives of jobs, in the runtime: the real loop and the real writes to the real D1, which fails at times. The
 * rest of the world answers at once. The counters can be compared with the events.
 */
import { env } from 'cloudflare:workers'
import type { Effect, Event, Fact } from '../../../actors/export-job/core/events.ts'
import type { Job, JobRequest } from '../../../actors/export-job/core/job.ts'
import { perform, type World } from '../../../actors/export-job/perform.ts'
import { type Ports, Runner } from '../../../actors/export-job/runner.ts'
import type { LogLine } from '../../../wire/events.ts'
import type { Chance } from '../chance.ts'
import { anObject, ENDPOINT, SECOND } from '../node/builders.ts'
import { birthRow } from './rows.ts'

/** How often D1 refuses a write, and how often the answer of a successful one is lost. */
export interface Faults {
  refused: number
  unsaid: number
}

/** Statements and batches on `db`, which fail at random. */
export function flaky(db: D1Database, chance: Chance, faults: Faults): D1Database {
  const attempt = async <T>(act: () => Promise<T>): Promise<T> => {
    if (chance.happens(faults.refused)) throw new Error('D1 is away.')
    const answer = await act()
    if (chance.happens(faults.unsaid)) throw new Error('The answer of D1 is lost.')
    return answer
  }
  const statement = (real: D1PreparedStatement): D1PreparedStatement =>
    new Proxy(real, {
      get(target, name) {
        if (name === 'bind') return (...values: unknown[]) => statement(target.bind(...values))
        if (name === 'run') return () => attempt(() => target.run())
        return Reflect.get(target, name)
      },
    })
  return new Proxy(db, {
    get(target, name) {
      if (name === 'prepare') return (sql: string) => statement(target.prepare(sql))
      if (name === 'batch') return (all: D1PreparedStatement[]) => attempt(() => target.batch(all))
      return Reflect.get(target, name)
    },
  })
}

/** One job: its disk outlives the process, whose memory `restart` clears. */
export class Life {
  readonly request: JobRequest
  readonly log: { line: LogLine; job: Job }[] = []
  readonly chance: Chance
  readonly #db: D1Database
  #disk: Job | null = null
  #runner: Runner
  /** Milliseconds; each life has its own clock. */
  now: number

  constructor(request: JobRequest, chance: Chance, db: D1Database) {
    this.request = request
    this.now = request.createdAt
    this.chance = chance
    this.#db = db
    this.#runner = this.#started()
  }

  get job(): Job {
    if (!this.#runner.job) throw new Error('There is no job.')
    return this.#runner.job
  }

  get ended(): boolean {
    return 'endedAt' in this.job.phase
  }

  async begin(): Promise<void> {
    await birthRow(this.request.id, this.request.inputVideoKey, this.request.type)
    this.#runner.create(this.request, null)
  }

  /** Loses everything that was only in memory. */
  async restart(): Promise<void> {
    this.#runner = this.#started()
    await this.#runner.rearm()
  }

  /** Fires the next alarm; false when there is none within `withinMs`. */
  async ring(withinMs: number): Promise<boolean> {
    const at = this.#runner.armedAt
    if (at === null || at > this.now + withinMs) return false
    this.now = Math.max(this.now, at)
    await this.#runner.ring()
    return true
  }

  apply(event: Event): void {
    this.#runner.apply(event)
  }

  #started(): Runner {
    const isWatched = () => false
    const world: World = { env: { ...env, DB: this.#db }, settings: null, isWatched, mirrored: new WeakMap() }
    const ports: Ports = {
      now: () => this.now,
      store: {
        load: () => this.#disk,
        commit: (job, lines) => {
          this.#disk = job
          this.log.push(...lines.map((line) => ({ line, job })))
          return []
        },
        erase: async () => {},
      },
      alarm: { get: async () => null, set: async () => {} },
      perform: (effect, job) => this.#perform(effect, job, world),
      redact: (event) => event,
      tell: () => {},
      vanished: async () => {},
      fault: (error) => {
        throw error
      },
    }
    return new Runner(ports)
  }

  async #perform(effect: Effect, job: Job, world: World): Promise<Fact> {
    this.now += Math.round(this.chance.between(1, 3 * SECOND))
    if (effect.type === 'mirror') return perform(effect, job, world)
    return answerOf(effect, this.chance)
  }
}

/** RunPod accepts every request; files exist, and receivers accept messages, at random. */
function answerOf(effect: Effect, chance: Chance): Fact {
  switch (effect.type) {
    case 'ask':
      return {
        type: 'placeGranted',
        next: effect.next,
        endpoint: ENDPOINT,
        isLent: false,
        tellOutcome: false,
      }
    case 'dispatch': {
      const { round, attempt } = effect.attempt
      return { type: 'dispatched', ref: { round, attempt }, runpodJobId: `rp-${round}-${attempt}-u1` }
    }
    case 'look':
      return chance.happens(0.7)
        ? { type: 'outputSeen', ref: effect.ref, object: anObject(effect.ref) }
        : { type: 'outputAbsent', ref: effect.ref }
    case 'cancelRemote': {
      const { ref, runpodJobId } = effect
      return { type: 'debtPaid', debt: 'cancels', ref, runpodJobId, answer: { kind: 'ended', usage: null } }
    }
    case 'poll':
      return { type: 'pollFailed', ref: effect.ref }
    case 'deliver': {
      const about = { debt: 'webhooks', id: effect.id, latencyMs: 40 } as const
      if (chance.happens(0.6)) return { type: 'debtPaid', ...about, status: 200 }
      const more = { status: 500, detail: 'It answered 500.', gone: false, retryAfterMs: null }
      return { type: 'debtFailed', ...about, ...more }
    }
    case 'sweepOutputs':
      return { type: 'debtPaid', debt: 'staleFiles' }
    default:
      throw new Error(`No life gets to ${effect.type}.`)
  }
}

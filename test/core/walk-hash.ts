/**
 * A single hash of every edge of the walk: state, event and moment; and the state, effects, log and reply that follow.
 * A change of the core that is meant to preserve its behaviour leaves the hash unchanged. The order of an object's
 * fields is irrelevant, and renamed fields are hashed under their earlier names.
 *
 * `npm run test:states` compares it with the golden value, which changes only together with the intended behaviour.
 */
import { createHash } from 'node:crypto'
import type { DebtName, Event } from '../../actors/export-job/core/events.ts'
import type { Edge } from './walk.ts'

export const GOLDEN = '4ce41071f9df2a295a2f680beeb61660ffc007f9ed5651743d6fb5a90848bca7'

/** The current name of a field, or of a type of event, effect or log line, and the one under which it is hashed. */
export const RENAMED: ReadonlyMap<string, string> = new Map([['rowOverdue', 'remirror']])

/**
 * The names under which the answers to a debt are hashed, paid and failed, where they used to have names of their own.
 */
const ANSWERS: Partial<Record<DebtName, readonly [paid: string, failed: string]>> = {
  mirror: ['mirrored', 'mirrorFailed'],
  staleFiles: ['swept', 'sweepFailed'],
  archive: ['archived', 'archiveFailed'],
  erase: ['erased', 'eraseFailed'],
  webhooks: ['delivered', 'deliveryFailed'],
  cancels: ['cancelAnswered', 'cancelAnswered'],
}

/** The event in the form that is hashed. A failed cancel used to be an answer `unconfirmed`. */
function hashed(event: Event): object {
  const names = 'debt' in event && ANSWERS[event.debt]
  if (!names) return event
  const { debt, type, ...rest } = event
  const [paid, failed] = names
  if (type === 'debtPaid') return { type: paid, ...rest }
  return { type: failed, ...rest, ...(debt === 'cancels' && { answer: { kind: 'unconfirmed' } }) }
}

/** A part above this many characters is represented by its own hash. */
const LONG = 200
/** Characters that are hashed at once. */
const CHUNK = 2 ** 16

export class WalkHash {
  readonly #hash = createHash('sha256')
  readonly #known = new WeakMap<object, string>()
  readonly #events = new WeakMap<Event, string>()
  #pending = ''

  add({ before, event, at, step }: Edge): void {
    const { job, effects, log, reply, durable } = step
    const after = job === before ? '=' : this.#text(job)
    this.#pending += `${this.#text(before)} ${this.#event(event)} ${at} ${after} ${durable}`
    for (const part of [effects, log, reply]) this.#pending += ` ${this.#text(part)}`
    this.#pending += '\n'
    if (this.#pending.length > CHUNK) this.#flush()
  }

  /** Hexadecimal; nothing can be added afterwards. */
  end(): string {
    this.#flush()
    return this.#hash.digest('hex')
  }

  #event(event: Event): string {
    const known = this.#events.get(event) ?? this.#text(hashed(event))
    this.#events.set(event, known)
    return known
  }

  #flush(): void {
    this.#hash.update(this.#pending)
    this.#pending = ''
  }

  /** Jobs share most of their parts, and all are frozen, so each part is hashed once. */
  #text(value: unknown): string {
    if (typeof value === 'string') return JSON.stringify(RENAMED.get(value) ?? value)
    if (typeof value !== 'object' || value === null) return String(JSON.stringify(value))
    const known = this.#known.get(value)
    if (known !== undefined) return known
    const parts = Array.isArray(value)
      ? value.map((item) => this.#text(item))
      : Object.entries(value)
          .filter(([, field]) => field !== undefined)
          .map(([name, field]) => `${RENAMED.get(name) ?? name}:${this.#text(field)}`)
          .sort()
    const text = Array.isArray(value) ? `[${parts.join()}]` : `{${parts.join()}}`
    const short = text.length < LONG ? text : createHash('sha256').update(text).digest('base64')
    this.#known.set(value, short)
    return short
  }
}

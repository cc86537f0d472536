/**
 * One hash over every edge of the walk: state, event and moment; and the state, effects, log and reply that follow. A
 * change of the core that is meant to change no behaviour leaves it as it is. The order of an object's fields does not
 * count, and what was merely renamed is read under its earlier name.
 *
 * `npm run test:walk` compares it with the golden value, which is changed only together with what the core is to do.
 */
import { createHash } from 'node:crypto'
import type { Edge } from './walk.ts'

export const GOLDEN = '3a5dd6a56957f07f2c1375efbcc1467a60a25afc9b9df6968d699080861dff6b'

/** Today's name of a field, or of a type of event, effect or log line, and the one under which it is hashed. */
export const RENAMED: ReadonlyMap<string, string> = new Map<string, string>()

/** Above this many characters a part is known by its own hash. */
const LONG = 200
/** Characters that are hashed at once. */
const CHUNK = 2 ** 16

export class WalkHash {
  readonly #hash = createHash('sha256')
  readonly #known = new WeakMap<object, string>()
  #pending = ''

  add({ before, event, at, step }: Edge): void {
    const { job, effects, log, reply, durable } = step
    const after = job === before ? '=' : this.#text(job)
    this.#pending += `${this.#text(before)} ${this.#text(event)} ${at} ${after} ${durable}`
    for (const part of [effects, log, reply]) this.#pending += ` ${this.#text(part)}`
    this.#pending += '\n'
    if (this.#pending.length > CHUNK) this.#flush()
  }

  /** Hexadecimal; nothing can be added after it. */
  end(): string {
    this.#flush()
    return this.#hash.digest('hex')
  }

  #flush(): void {
    this.#hash.update(this.#pending)
    this.#pending = ''
  }

  /** Jobs share most of their parts, and every one is frozen, so each part is hashed once. */
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

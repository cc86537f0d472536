/** Virtual time and seeded randomness: a seed always yields the same run. */

interface Appointment {
  readonly at: number
  readonly order: number
  readonly act: () => unknown
}

/** Appointments in the order of their instants; those of one instant in the order of their creation. */
export class Clock {
  now: number
  readonly #heap: Appointment[] = []
  #order = 0

  constructor(now: number) {
    this.now = now
  }

  after(ms: number, act: () => unknown): void {
    this.at(this.now + ms, act)
  }

  at(at: number, act: () => unknown): void {
    const heap = this.#heap
    const made = { at: Math.max(at, this.now), order: this.#order++, act }
    let i = heap.push(made) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      const above = heap[parent]
      if (!above || before(above, made)) break
      heap[i] = above
      i = parent
    }
    heap[i] = made
  }

  /** Runs the next appointment; false when there is none. */
  step(): boolean {
    const next = this.#heap[0]
    const last = this.#heap.pop()
    if (!next || !last) return false
    if (next !== last) this.#sink(last)
    this.now = next.at
    next.act()
    return true
  }

  #sink(item: Appointment): void {
    const heap = this.#heap
    let i = 0
    for (;;) {
      const left = heap[2 * i + 1]
      const right = heap[2 * i + 2]
      const child = right && left && before(right, left) ? right : left
      if (!child || before(item, child)) break
      heap[i] = child
      i = child === right ? 2 * i + 2 : 2 * i + 1
    }
    heap[i] = item
  }
}

function before(a: Appointment, b: Appointment): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

/** A small generator with a 32-bit state, sufficient for making choices. */
export class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  /** In [0, 1). */
  unit(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32
  }

  /** An integer, both bounds included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.unit() * (most - least + 1))
  }

  /** True with this probability, in percent. */
  percent(rate: number): boolean {
    return rate > 0 && this.unit() * 100 < rate
  }

  pick<T>(...choices: [T, ...T[]]): T {
    return choices[this.between(0, choices.length - 1)] ?? choices[0]
  }
}

import type { Clock } from '../../../../runpod-local/clock.ts'

/** A clock that only advances manually; callbacks that become due run in order of their time. */
export class ManualClock implements Clock {
  #now = Date.UTC(2100, 0, 1)
  #timers = new Set<{ at: number; run: () => void }>()

  readonly now = (): number => this.#now

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  get pending(): number {
    return this.#timers.size
  }

  advance(ms: number): void {
    const until = this.#now + ms
    for (;;) {
      const [next] = [...this.#timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)
      if (next === undefined) break
      this.#timers.delete(next)
      this.#now = Math.max(this.#now, next.at)
      next.run()
    }
    this.#now = until
  }
}

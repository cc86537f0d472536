/** A map with a maximum size that keeps the newest entries, so that caches of an isolate do not grow without limit. */
export class BoundedMap<V> {
  readonly #most: number
  readonly #entries = new Map<string, V>()

  constructor(most: number) {
    this.#most = most
  }

  get(key: string): V | undefined {
    return this.#entries.get(key)
  }

  /** Removes the oldest entry when the map is full. */
  set(key: string, value: V): void {
    this.#entries.set(key, value)
    if (this.#entries.size <= this.#most) return
    const [oldest] = this.#entries.keys()
    if (oldest !== undefined) this.#entries.delete(oldest)
  }
}

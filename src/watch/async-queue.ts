/** An ordered queue of messages for one reader that may be slower than their source. */
export class AsyncQueue<T> {
  readonly #merge: (last: T, next: T) => boolean
  readonly #items: T[] = []
  #closed = false
  #wake: () => void = () => {}

  /** @param merge may replace an unread `last` by `next`; bounds the queue of a slow reader */
  constructor(merge: (last: T, next: T) => boolean) {
    this.#merge = merge
  }

  /** Number of unread messages. */
  get size(): number {
    return this.#items.length
  }

  /** Adds a message; a closed queue drops it. */
  put(item: T): void {
    if (this.#closed) return
    const last = this.#items.at(-1)
    if (last !== undefined && this.#merge(last, item)) this.#items.pop()
    this.#items.push(item)
    this.#wake()
  }

  /** Messages that are queued may still be read. */
  close(): void {
    this.#closed = true
    this.#wake()
  }

  /** The next message, as soon as there is one; null once the queue is closed and empty. For a single reader. */
  async next(): Promise<T | null> {
    while (this.#items.length === 0 && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.#items.shift() ?? null
  }
}

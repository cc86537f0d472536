/** Messages that came faster than one reader reads them, in order. */
export class Mailbox<T> {
  readonly #merge: (last: T, next: T) => boolean
  readonly #items: T[] = []
  #closed = false
  #wake: () => void = () => {}

  /** @param merge may `next` replace an unread `last`? Keeps a slow reader's box small. */
  constructor(merge: (last: T, next: T) => boolean) {
    this.#merge = merge
  }

  /** How many messages wait to be read. */
  get size(): number {
    return this.#items.length
  }

  /** A message for a closed box is dropped. */
  put(item: T): void {
    if (this.#closed) return
    const last = this.#items.at(-1)
    if (last !== undefined && this.#merge(last, item)) this.#items.pop()
    this.#items.push(item)
    this.#wake()
  }

  /** What waits may still be read. */
  close(): void {
    this.#closed = true
    this.#wake()
  }

  /** The next message, as soon as there is one; null once the box is closed and empty. For one reader. */
  async next(): Promise<T | null> {
    while (this.#items.length === 0 && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.#items.shift() ?? null
  }
}

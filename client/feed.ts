/** One source with any number of readers, each at its own pace. */

interface Reader<T> {
  queue: T[]
  wake: () => void
}

export class Feed<T> {
  readonly #readers = new Set<Reader<T>>()
  readonly #merge: (last: T, next: T) => boolean
  #end: { error?: unknown } | null = null

  /** `merge` may replace an unread `last` by `next`, which bounds the queue of a slow reader. */
  constructor(merge: (last: T, next: T) => boolean) {
    this.#merge = merge
  }

  push(item: T): void {
    for (const { queue, wake } of this.#readers) {
      const last = queue.at(-1)
      if (last !== undefined && this.#merge(last, item)) queue.pop()
      queue.push(item)
      wake()
    }
  }

  /** Readers receive what is queued, then end or throw. */
  end(end: { error?: unknown } = {}): void {
    this.#end = end
    for (const { wake } of this.#readers) wake()
  }

  /** Reads `first`, then all later items. `left` is called when a reader stops before the end. */
  read(first: T[], left: () => void): AsyncGenerator<T, void, undefined> {
    const reader: Reader<T> = { queue: first, wake: () => {} }
    this.#readers.add(reader)
    return this.#drain(reader, left)
  }

  async *#drain(reader: Reader<T>, left: () => void): AsyncGenerator<T, void, undefined> {
    try {
      for (;;) {
        const item = reader.queue.shift()
        if (item !== undefined) yield item
        else if (this.#end) {
          if ('error' in this.#end) throw this.#end.error
          return
        } else {
          await new Promise<void>((resolve) => {
            reader.wake = resolve
          })
        }
      }
    } finally {
      this.#readers.delete(reader)
      if (!this.#end) left()
    }
  }
}

/**
 * A table of a lane during one decision. It is copied once, at its first change, because a lane may have hundreds of
 * thousands of waiting jobs; the changed keys are recorded, so that only their rows are compared and written.
 */
export class Sheet<K, V> {
  /** Keys that were set or removed, some of them perhaps without a difference. */
  readonly changed = new Set<K>()
  #map: ReadonlyMap<K, V>
  #copy: Map<K, V> | null = null

  constructor(map: ReadonlyMap<K, V>) {
    this.#map = map
  }

  get map(): ReadonlyMap<K, V> {
    return this.#copy ?? this.#map
  }

  set(key: K, value: V): void {
    this.#changing(key).set(key, value)
  }

  remove(key: K): void {
    if (this.map.has(key)) this.#changing(key).delete(key)
  }

  #changing(key: K): Map<K, V> {
    this.changed.add(key)
    this.#copy ??= new Map(this.#map)
    return this.#copy
  }
}

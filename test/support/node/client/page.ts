/** The network events of a browser window, where a client in Node looks for them. */
export class Page {
  readonly #online = new Set<() => void>()

  constructor() {
    Object.assign(globalThis, {
      addEventListener: (_: 'online', act: () => void) => this.#online.add(act),
      removeEventListener: (_: 'online', act: () => void) => this.#online.delete(act),
    })
  }

  /** How many listeners wait for the network: each open watch has one, connected or not. */
  get waiting(): number {
    return this.#online.size
  }

  goOnline(): void {
    for (const act of [...this.#online]) act()
  }

  close(): void {
    for (const name of ['addEventListener', 'removeEventListener']) Reflect.deleteProperty(globalThis, name)
  }
}

/** The sockets of this process by job. */
import type { WebSocket } from 'ws'

export class Watchers {
  readonly #sockets = new Map<string, Set<WebSocket>>()

  add(id: string, socket: WebSocket): void {
    const all = this.#sockets.get(id) ?? new Set()
    this.#sockets.set(id, all.add(socket))
    socket.on('close', () => {
      all.delete(socket)
      if (all.size === 0) this.#sockets.delete(id)
    })
  }

  tell(id: string, message: object): void {
    const all = this.#sockets.get(id)
    if (!all) return
    const text = JSON.stringify(message)
    for (const socket of all) socket.send(text)
  }

  /** Sends the job's last message to its watchers and closes their sockets. */
  end(id: string, message: object): void {
    this.tell(id, message)
    for (const socket of this.#sockets.get(id) ?? []) socket.close(1000, 'done')
  }
}

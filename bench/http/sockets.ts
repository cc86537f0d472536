/** Many WebSockets at once, and when the last of them has heard. */
import { performance } from 'node:perf_hooks'
import WebSocket from 'ws'

/** Opens a socket and answers once `first` messages have come, with how long that took and the last of them. */
export function openSocket(
  url: string,
  headers: Record<string, string>,
  first = 1,
): Promise<{ socket: WebSocket; ms: number; last: string }> {
  const started = performance.now()
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { headers, perMessageDeflate: false })
    let heard = 0
    const listen = (data: WebSocket.RawData) => {
      heard++
      if (heard < first) return
      socket.off('message', listen)
      resolve({ socket, ms: performance.now() - started, last: String(data) })
    }
    socket.on('message', listen)
    socket.once('error', reject)
  })
}

/** So many sockets on one address; opened a few at a time. */
export async function openSockets(
  url: string,
  headers: Record<string, string>,
  count: number,
): Promise<WebSocket[]> {
  const sockets: WebSocket[] = []
  while (sockets.length < count) {
    const some = Math.min(20, count - sockets.length)
    const opened = await Promise.all(Array.from({ length: some }, () => openSocket(url, headers)))
    sockets.push(...opened.map(({ socket }) => socket))
  }
  return sockets
}

/** Milliseconds from `act` until the last of the sockets has heard a message, whenever `act` itself is answered. */
export async function untilAllHeard(
  sockets: readonly WebSocket[],
  act: () => Promise<unknown>,
): Promise<number> {
  const heard = sockets.map(
    (socket) => new Promise<number>((resolve) => socket.once('message', () => resolve(performance.now()))),
  )
  const started = performance.now()
  const [times] = await Promise.all([Promise.all(heard), act()])
  return Math.max(...times) - started
}

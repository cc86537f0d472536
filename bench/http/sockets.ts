/** Opens many WebSockets, and measures when the last of them receives a message. */
import { performance } from 'node:perf_hooks'
import WebSocket from 'ws'

const GIVE_UP_MS = 30_000

export function wsUrl({ port }: { readonly port: number }, path: string): string {
  return `ws://127.0.0.1:${port}${path}`
}

/** The address of a job's watchers. */
export function watchUrl(served: { readonly port: number }, id: string): string {
  return wsUrl(served, `/api/jobs/${id}/ws`)
}

/** The address of the line of a job's worker. */
export function lineUrl(served: { readonly port: number }, id: string): string {
  return wsUrl(served, `/api/jobs/${id}/do/ws`)
}

/** Opens a socket; resolves after `first` messages, with how long that took and the last one. */
export function openSocket(
  url: string,
  headers: Record<string, string>,
  first = 1,
): Promise<{ socket: WebSocket; ms: number; last: string }> {
  const started = performance.now()
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { headers, perMessageDeflate: false })
    let received = 0
    const listen = (data: WebSocket.RawData) => {
      received++
      if (received < first) return
      socket.off('message', listen)
      resolve({ socket, ms: performance.now() - started, last: String(data) })
    }
    socket.on('message', listen)
    socket.once('error', reject)
  })
}

/** Opens this many sockets with one URL, a few at a time. */
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

/**
 * Milliseconds from `act` until every socket has received a message, independent of the answer to `act`.
 *
 * @throws Error when one of them receives nothing for long
 */
export async function untilAllHeard(
  sockets: readonly WebSocket[],
  act: () => Promise<unknown>,
): Promise<number> {
  let missing = sockets.length
  let late: NodeJS.Timeout | undefined
  const started = performance.now()
  const all = new Promise<number>((resolve, reject) => {
    late = setTimeout(
      () => reject(new Error(`${missing} of ${sockets.length} watchers received nothing.`)),
      GIVE_UP_MS,
    )
    for (const socket of sockets) socket.once('message', () => --missing === 0 && resolve(performance.now()))
  })
  try {
    const [last] = await Promise.all([all, act()])
    return last - started
  } finally {
    clearTimeout(late)
  }
}

/** A worker's line after its hello was accepted. */
export async function openWorkerLine(url: string, headers: Record<string, string>): Promise<WebSocket> {
  const socket = new WebSocket(url, 'exportal.worker.v1', { headers, perMessageDeflate: false })
  await new Promise((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  socket.send(JSON.stringify({ type: 'hello', runpod_job_id: null, instance: crypto.randomUUID() }))
  return socket
}

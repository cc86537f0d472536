/**
 * A connection between browser and service that can be interrupted: a TCP relay, so that open sockets break
 * realistically.
 */
import { connect, createServer, type Socket } from 'node:net'

export interface Line {
  /** The URL of the service through this relay. */
  url: string
  /** Breaks every connection and refuses new ones. */
  cut(): void
  /** Drops all traffic without closing anything, as when a phone leaves its network. */
  hush(): void
  mend(): void
  close(): Promise<void>
}

export async function layLine(serviceUrl: string): Promise<Line> {
  const { port: servicePort } = new URL(serviceUrl)
  const open = new Set<Socket>()
  let whole = true
  let silent = false
  const server = createServer((near) => {
    if (!whole) return void near.destroy()
    if (silent) return void open.add(near.on('error', () => {}))
    const far = connect(Number(servicePort), '127.0.0.1')
    for (const socket of [near, far]) {
      open.add(socket)
      // Closing one end closes the other; the cause is irrelevant here.
      socket.on('error', () => {})
      socket.on('close', () => {
        open.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.pipe(far).pipe(near)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = address && typeof address === 'object' ? address.port : 0
  const cut = () => {
    whole = false
    for (const socket of open) socket.destroy()
  }
  return {
    url: `http://localhost:${port}`,
    cut,
    hush: () => {
      silent = true
      for (const socket of open) socket.unpipe().pause()
    },
    mend: () => {
      whole = true
      silent = false
    },
    close: () =>
      new Promise((resolve) => {
        cut()
        server.close(() => resolve())
      }),
  }
}

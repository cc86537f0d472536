/** A line between browser and service that can be cut: a TCP relay, so that open sockets break as they would. */
import { connect, createServer, type Socket } from 'node:net'

export interface Line {
  /** The service, through this line. */
  url: string
  /** Breaks every connection and refuses new ones. */
  cut(): void
  mend(): void
  close(): Promise<void>
}

export async function layLine(serviceUrl: string): Promise<Line> {
  const { port: servicePort } = new URL(serviceUrl)
  const open = new Set<Socket>()
  let whole = true
  const server = createServer((near) => {
    if (!whole) return void near.destroy()
    const far = connect(Number(servicePort), '127.0.0.1')
    for (const socket of [near, far]) {
      open.add(socket)
      // A broken end breaks the other; what exactly broke it does not matter here.
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
    mend: () => {
      whole = true
    },
    close: () =>
      new Promise((resolve) => {
        cut()
        server.close(() => resolve())
      }),
  }
}

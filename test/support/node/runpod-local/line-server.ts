/** The service's end of a worker's line, for one test. */
import type { IncomingHttpHeaders } from 'node:http'
import { onTestFinished } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Json } from './local.ts'

export interface LineServer {
  url: string
  /** Messages received on all connections, except pings. */
  heard: Json[]
  pings: number
  /** Headers of each connection, in the order of opening. */
  headers: IncomingHttpHeaders[]
  of(type: string): Json[]
  say(message: Json): void
  /** Closes the open connections. */
  cut(code?: number): void
  /** Whether ends are acknowledged, as they are by default. */
  acks: boolean
}

export async function lineServer(): Promise<LineServer> {
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    handleProtocols: ([first]) => first ?? false,
  })
  await new Promise((listening) => server.once('listening', listening))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not listening')
  const line: LineServer = {
    url: `ws://127.0.0.1:${address.port}/line`,
    heard: [],
    pings: 0,
    headers: [],
    acks: true,
    of: (type) => line.heard.filter((message) => message.type === type),
    say: (message) => {
      for (const socket of server.clients) socket.send(JSON.stringify(message))
    },
    cut: (code) => {
      for (const socket of server.clients) code === undefined ? socket.terminate() : socket.close(code)
    },
  }
  server.on('connection', (socket: WebSocket, { headers }) => {
    line.headers.push(headers)
    socket.on('message', (data) => {
      const text = String(data)
      if (text === 'ping') {
        line.pings++
        return socket.send('pong')
      }
      const message: Json = JSON.parse(text)
      line.heard.push(message)
      const isEnd = message.type === 'complete' || message.type === 'error'
      if (isEnd && line.acks) socket.send(JSON.stringify({ type: 'ack', of: message.n }))
    })
  })
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate()
    server.close()
  })
  return line
}

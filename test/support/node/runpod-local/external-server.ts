/** The network of one case of external-inputs.json: its name server, and one local server behind every address. */
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect, createServer, isIPv6, type Server } from 'node:net'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Network } from '../../../../runpod-local/worker/external/connect.ts'

const VECTORS = join(import.meta.dirname, '../../../vectors')

export interface Answer {
  status?: number
  headers?: Record<string, string>
  body?: string
  /** Content-Length, if it differs from that of the body. */
  length?: number
  chunked?: boolean
  endless?: boolean
  drip?: 'answer' | 'body'
  hang?: 'handshake' | 'answer' | 'body'
  cut?: 'answer'
}

export interface Case {
  name: string
  url: string
  /** The answers to the queries for each name; the last one repeats. */
  dns: Record<string, (string[] | 'none' | 'fails')[]>
  answers: (Answer | null)[]
  unreachable?: string[]
  limits?: Record<string, number>
  dialed: string[]
  asked?: string[]
  resolved?: string[]
  body?: string
  failure?: { code: string; should_retry: boolean; error: string }
}

export const { cases } = JSON.parse(readFileSync(join(VECTORS, 'external-inputs.json'), 'utf8')) as {
  cases: Case[]
}

export interface Seen {
  resolved: string[]
  dialed: string[]
  /** `Host path` of each request. */
  asked: string[]
  headers: IncomingMessage['headers'][]
}

/** Connects only to the local server, whatever the target; the requested target is recorded. */
export async function internetOf(given: Case): Promise<{ network: Network; seen: Seen }> {
  const seen: Seen = { resolved: [], dialed: [], asked: [], headers: [] }
  const answers = [...given.answers]
  const ca = readFileSync(join(VECTORS, 'tls/cert.pem'))
  const key = readFileSync(join(VECTORS, 'tls/key.pem'))
  const server = createTlsServer({ cert: ca, key }, (request, response) => {
    seen.asked.push(`${request.headers.host} ${request.url}`)
    seen.headers.push(request.headers)
    reply(answers.shift() ?? { status: 599 }, response)
  })
  const silent = createServer()
  const [port, silentPort, closedPort] = [await listen(server), await listen(silent), await unused()]
  const network: Network = {
    ca,
    async resolve(name) {
      const turn = seen.resolved.filter((each) => each === name).length
      seen.resolved.push(name)
      const answers = given.dns[name] ?? ['none']
      const found = answers[turn] ?? answers.at(-1) ?? 'none'
      if (Array.isArray(found)) return found
      throw Object.assign(new Error('lookup'), { code: found === 'none' ? 'ENOTFOUND' : 'EAI_AGAIN' })
    },
    dial(address, to) {
      seen.dialed.push(`${isIPv6(address) ? `[${address}]` : address}:${to}`)
      if (given.unreachable?.includes(address)) return connect(closedPort, '127.0.0.1')
      return connect(answers[0]?.hang === 'handshake' ? silentPort : port, '127.0.0.1')
    },
  }
  return { network, seen }
}

function reply(answer: Answer, response: ServerResponse): void {
  const socket = response.socket
  if (answer.cut === 'answer') return void socket?.destroy()
  if (answer.hang === 'answer') return
  if (answer.drip === 'answer') return drip(() => socket?.write('HTTP/1.1 200 OK\r\nx: ') ?? false, response)
  const { body = '', length = body.length, endless, chunked } = answer
  const isSized = !endless && !chunked && !answer.drip && answer.status !== 204 && answer.status !== 304
  response.writeHead(answer.status ?? 200, {
    ...answer.headers,
    ...(isSized && { 'content-length': length }),
  })
  if (endless) return pour(response)
  if (answer.drip === 'body') return drip(() => response.write('x'), response)
  if (answer.hang === 'body') return void response.write(body)
  if (chunked || length !== body.length) return void response.write(body, () => socket?.end())
  response.end(body)
}

function pour(response: ServerResponse): void {
  while (response.write('x'.repeat(64 * 1024)));
  response.once('drain', () => pour(response))
}

function drip(write: () => boolean, response: ServerResponse): void {
  write()
  const timer = setInterval(write, 10)
  response.on('close', () => clearInterval(timer))
}

async function listen(server: Server & { closeAllConnections?: () => void }): Promise<number> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(() => {
    server.closeAllConnections?.()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** A local port that refuses connections. */
async function unused(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  return port
}

/**
 * One keep-alive HTTP/1.1 connection that sends prepared bytes and reads one answer at a time. A client library would
 * use more of the two shared cores than the service under test; this one uses little, and equally for every contender.
 */
import { connect, type Socket } from 'node:net'

export interface Answer {
  status: number
  body: string
}

interface Head {
  status: number
  /** Offset of the body. */
  from: number
  length: number | null
}

export class Connection {
  readonly #socket: Socket
  #received: Buffer = Buffer.alloc(0)
  #settle: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | null = null

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.#take(chunk))
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('The connection was closed.')))
  }

  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new Connection(socket)))
      socket.once('error', reject)
    })
  }

  /** Sends a request and resolves with its answer; one at a time. */
  exchange(request: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
      // A write to a closed connection reports its error only here.
      this.#socket.write(request, (error) => error && this.#fail(error))
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #fail(error: Error): void {
    this.#settle?.reject(error)
    this.#settle = null
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
    const answer = readAnswer(this.#received)
    if (!answer) return
    this.#received = Buffer.alloc(0)
    const settle = this.#settle
    this.#settle = null
    settle?.resolve(answer)
  }
}

/** The bytes of a request to 127.0.0.1; a body other than text is sent as JSON. */
export function requestBytes(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: unknown,
): Buffer {
  const raw = typeof body === 'string' || body === undefined
  const text = raw ? (body ?? '') : JSON.stringify(body)
  const sized: Record<string, string> = {
    Host: '127.0.0.1',
    ...headers,
    ...(!raw && { 'Content-Type': 'application/json' }),
    ...(method !== 'GET' && { 'Content-Length': String(Buffer.byteLength(text)) }),
  }
  const lines = Object.entries(sized).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${text}`)
}

/** The answer when it is complete; null before. */
function readAnswer(bytes: Buffer): Answer | null {
  const head = readHead(bytes)
  if (!head) return null
  if (head.length === null) return readChunks(bytes, head)
  if (bytes.length < head.from + head.length) return null
  return { status: head.status, body: bytes.toString('utf8', head.from, head.from + head.length) }
}

function readHead(bytes: Buffer): Head | null {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return null
  const text = bytes.toString('latin1', 0, end)
  const status = Number(text.slice(9, 12))
  const length = /\r\ncontent-length: *(\d+)/i.exec(text)
  const chunked = /\r\ntransfer-encoding: *chunked/i.test(text)
  return { status, from: end + 4, length: chunked ? null : Number(length?.[1] ?? 0) }
}

/** RFC 9112, 7.1, without extensions and trailers, which workerd does not send. */
function readChunks(bytes: Buffer, { status, from }: Head): Answer | null {
  const parts: string[] = []
  let at = from
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd < 0) return null
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16)
    const start = lineEnd + 2
    if (bytes.length < start + size + 2) return null
    if (size === 0) return { status, body: parts.join('') }
    parts.push(bytes.toString('utf8', start, start + size))
    at = start + size + 2
  }
}

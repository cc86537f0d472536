/** A relay between browser and service: forwards everything, records the parts, and can drop one. */
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface PartSent {
  number: number
  /** Null while it is in transit, and when the browser aborted it. */
  status: number | null
  ended: boolean
}

export class Relay {
  readonly parts: PartSent[] = []
  /** `METHOD path` of every request except those for parts. */
  readonly asked: string[] = []
  /** The number of a part that is answered 503, once. */
  lose: number | null = null
  #target = ''
  readonly #server: Server

  constructor() {
    this.#server = createServer((incoming, outgoing) => this.#pass(incoming, outgoing))
  }

  async listen(): Promise<void> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done))
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo
    return `http://localhost:${port}`
  }

  /** Sets the origin of the service behind this relay. */
  leadTo(target: string): void {
    this.#target = target
  }

  get stored(): number[] {
    return this.parts.filter(({ status }) => status === 200).map(({ number }) => number)
  }

  get onTheirWay(): number {
    return this.parts.filter(({ ended }) => !ended).length
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  #pass(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { method, url = '/', headers } = incoming
    const part = method === 'PUT' ? this.#noteOf(url) : null
    if (!part) this.asked.push(`${method} ${url.split('?')[0]}`)
    outgoing.on('close', () => {
      if (part) part.ended = true
    })
    if (part && part.number === this.lose) {
      this.lose = null
      incoming.resume().on('end', () => {
        part.status = 503
        outgoing.writeHead(503, { 'Access-Control-Allow-Origin': headers.origin ?? '*' }).end()
      })
      return
    }
    const { host } = new URL(this.#target)
    const onward = request(this.#target + url, { method, headers: { ...headers, host } }, (answer) => {
      if (part) part.status = answer.statusCode ?? 0
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    // When one side aborts, the other is closed as well.
    onward.on('error', () => outgoing.destroy())
    outgoing.on('close', () => onward.destroy())
    incoming.on('error', () => onward.destroy())
    incoming.pipe(onward)
  }

  #noteOf(url: string): PartSent {
    const number = Number(new URL(url, this.#target).searchParams.get('part'))
    const part: PartSent = { number, status: null, ended: false }
    this.parts.push(part)
    return part
  }
}

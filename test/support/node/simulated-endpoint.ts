import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

type Answer = readonly [status: number, body: object | string]

/** A simulated RunPod endpoint without workers, whose answers a test sets. */
export class SimulatedEndpoint {
  /** The requests received, as `cancel a-2`. */
  readonly calls: string[] = []
  /** By the ids that it assigned. */
  readonly jobs = new Map<string, string>()
  /** False: the key belongs to another account, for which every job and endpoint is unknown. */
  isOurs = true
  obeysCancel = false
  /** The answer to every `/run` during an outage; `hang` sends none. */
  outage: Answer | 'hang' | null = null
  readonly #name: string
  readonly #server = createServer((request, response) => {
    request.resume()
    request.once('end', () => {
      const answer = this.#answer(request)
      if (answer === 'hang') return
      const [status, body] = answer
      const isText = typeof body === 'string'
      response.writeHead(status, { 'content-type': isText ? 'text/html' : 'application/json' })
      response.end(isText ? body : JSON.stringify(body))
    })
  })

  constructor(name: string) {
    this.#name = name
  }

  /** Its address. */
  async open(): Promise<string> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening')
    const { port } = this.#server.address() as AddressInfo
    return `http://127.0.0.1:${port}/v2/${this.#name}`
  }

  asked(verb: string, id: string): boolean {
    return this.calls.includes(`${verb} ${id}`)
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  #answer({ url = '' }: IncomingMessage): Answer | 'hang' {
    const [, , , verb = '', id = ''] = url.split('/')
    this.calls.push(`${verb} ${id}`.trim())
    if (!this.isOurs) return [404, {}]
    if (verb === 'health') return [200, { jobs: {}, workers: {} }]
    if (verb === 'run') {
      if (this.outage) return this.outage
      const made = `${this.#name}-${this.jobs.size + 1}`
      this.jobs.set(made, 'IN_QUEUE')
      return [200, { id: made, status: 'IN_QUEUE' }]
    }
    const status = this.jobs.get(id)
    if (status === undefined) return [404, {}]
    if (verb !== 'cancel') return [200, { id, status }]
    if (!this.obeysCancel) return [500, {}]
    this.jobs.set(id, 'CANCELLED')
    return [200, { id, status: 'CANCELLED' }]
  }
}

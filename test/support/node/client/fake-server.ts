/** A real server on loopback that implements the jobs API and its sockets, and simulates network failures. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import { isEnded, type Job, type JobEvent } from '../../../../client/types.ts'
import { Page } from './page.ts'
import { aJob, anEvent } from './samples.ts'

export interface Seen {
  method: string
  path: string
  query: URLSearchParams
  headers: IncomingMessage['headers']
  bytes: Buffer
  body: string
}

interface FakeJob {
  job: Job
  log: JobEvent[]
  /** Lines up to this one are no longer kept. */
  cut: number
  watchers: Set<WebSocket>
  waiting: Set<() => void>
}

/** True when it answered. */
type Handler = (request: Seen, response: ServerResponse) => boolean | Promise<boolean>

const BEARER = 'exportal.bearer.'

export class FakeServer {
  readonly page = new Page()
  readonly requests: Seen[] = []
  /** URLs of upgrades, accepted or not. */
  readonly dials: URL[] = []
  /** Called before the server's own routes. */
  intercept: Handler = () => false
  /** The next dials are answered with 403 instead of an upgrade. */
  refusals = 0
  /** Every dial is accepted, then closed with this code. */
  closeWith: number | null = null
  /** Pings are not answered and nothing is sent: the connection is open, but dead. */
  mute = false
  /** Drops the connection after the first message of a replay. */
  dropInReplay = 0
  /** The token offered by each dial. */
  readonly tokensOfDials: (string | null)[] = []
  /** Marks the last line of an ended job; older servers do not. */
  marksEnd = true
  /** Sockets stay open after the end. */
  keepsOpen = false
  /** The longest time a poll with `wait` is held; 0 for a server without support for `wait`. */
  holdMs = 20
  pings = 0
  readonly #jobs = new Map<string, FakeJob>()
  readonly #http = createServer((request, response) => void this.#serve(request, response))
  readonly #sockets = new WebSocketServer({ noServer: true })
  #changed = Promise.withResolvers<void>()

  static async start(): Promise<FakeServer> {
    const server = new FakeServer()
    server.#http.listen(0, '127.0.0.1')
    await once(server.#http, 'listening')
    return server
  }

  private constructor() {
    this.#http.on('upgrade', (request, socket, head) => {
      const url = new URL(request.url ?? '', this.url)
      this.dials.push(url)
      const offered = String(request.headers['sec-websocket-protocol'] ?? '').split(', ')
      this.tokensOfDials.push(offered.find((name) => name.startsWith(BEARER))?.slice(BEARER.length) ?? null)
      // An upgraded socket has no other error handler, and a client that hangs up during a refusal resets it.
      socket.on('error', () => {})
      if (this.refusals > 0) {
        this.refusals--
        socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n')
        this.#signal()
        return
      }
      this.#sockets.handleUpgrade(request, socket, head, (ws) => this.#accept(ws, url))
    })
  }

  get url(): string {
    const { port } = this.#http.address() as AddressInfo
    return `http://127.0.0.1:${port}`
  }

  async stop(): Promise<void> {
    for (const ws of this.#sockets.clients) ws.terminate()
    this.#http.closeAllConnections()
    this.#http.close()
    await once(this.#http, 'close')
    // Files share a process: a watch that is left open would keep dialing, with the clocks and globals of other tests.
    const { waiting } = this.page
    this.page.close()
    if (waiting > 0) throw new Error(`${waiting} watches of this test were left open`)
  }

  /** Resolves when `condition` holds; evaluated after every event of this server. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.#changed.promise
  }

  add(job: Partial<Job> = {}, lines = 1): Job {
    const full = aJob(job)
    const log = Array.from({ length: lines }, (_, i) => anEvent(i + 1))
    this.#jobs.set(full.id, { job: full, log, cut: 0, watchers: new Set(), waiting: new Set() })
    return full
  }

  log(id: string): JobEvent[] {
    return this.#of(id).log
  }

  watchers(id: string): number {
    return this.#of(id).watchers.size
  }

  /** Commits a change: one log line, sent to all watchers. */
  change(id: string, patch: Partial<Job>, type = 'changed'): JobEvent {
    const entry = this.#of(id)
    entry.job = { ...entry.job, ...patch, version: entry.job.version + 1 }
    const event = anEvent(entry.log.length + 1, type)
    entry.log.push(event)
    const ended = isEnded(entry.job)
    this.#tell(entry, event, ended)
    if (ended) this.#close(entry)
    this.#wake(entry)
    return event
  }

  /** Commits several lines at once: each is sent with the job as it is after the last. */
  end(id: string, patch: Partial<Job>, lines: number, meanwhile = (_: number) => {}): void {
    const entry = this.#of(id)
    entry.job = { ...entry.job, ...patch, version: entry.job.version + 1 }
    const events = Array.from({ length: lines }, (_, i) => anEvent(entry.log.length + 1 + i))
    entry.log.push(...events)
    for (const [i, event] of events.entries()) {
      this.#tell(entry, event, i === events.length - 1)
      meanwhile(i)
    }
    this.#close(entry)
    this.#wake(entry)
  }

  #tell(entry: FakeJob, event: JobEvent, last: boolean): void {
    const end = last && this.marksEnd ? { end: true } : {}
    this.send(entry.job.id, { type: 'event', seq: event.seq, event, job: entry.job, ...end })
  }

  #close({ watchers }: FakeJob): void {
    if (!this.keepsOpen) for (const ws of watchers) ws.close(1000)
  }

  /** As `change`, but without notifying watchers. */
  changeSilently(id: string, patch: Partial<Job>): void {
    const entry = this.#of(id)
    const { watchers } = entry
    entry.watchers = new Set()
    this.change(id, patch)
    entry.watchers = watchers
  }

  progress(id: string, progress: number, stage: string | null = 'rendering'): void {
    const entry = this.#of(id)
    entry.job = { ...entry.job, progress, stage }
    this.send(id, { type: 'progress', seq: entry.log.length, progress, stage, eta_seconds: null })
    this.#wake(entry)
  }

  /** Sends any message to all watchers. */
  send(id: string, message: object): void {
    if (this.mute) return
    for (const ws of this.#of(id).watchers) ws.send(JSON.stringify(message))
  }

  /** Closes with a code, after all messages sent so far; later ones are lost. */
  hangUp(id: string, code: number): void {
    for (const ws of this.#of(id).watchers) ws.close(code)
    this.#of(id).watchers.clear()
  }

  drop(id: string): void {
    for (const ws of this.#of(id).watchers) ws.terminate()
    this.#of(id).watchers.clear()
  }

  /** Drops the lines up to `seq`, as the real log does. */
  cut(id: string, seq: number): void {
    this.#of(id).cut = seq
  }

  #of(id: string): FakeJob {
    const entry = this.#jobs.get(id)
    if (!entry) throw new Error(`No job ${id}`)
    return entry
  }

  #signal(): void {
    const { resolve } = this.#changed
    this.#changed = Promise.withResolvers()
    resolve()
  }

  #wake(entry: FakeJob): void {
    for (const wake of entry.waiting) wake()
    entry.waiting.clear()
  }

  #accept(ws: WebSocket, url: URL): void {
    const id = url.pathname.split('/').at(-2) ?? ''
    const entry = this.#jobs.get(id)
    ws.on('message', (data) => {
      if (String(data) !== 'ping') return
      this.pings++
      if (!this.mute) ws.send('pong')
      this.#signal()
    })
    ws.on('close', () => {
      entry?.watchers.delete(ws)
      this.#signal()
    })
    if (!entry || this.closeWith !== null) ws.close(this.closeWith ?? 4404, 'as told')
    else if (!this.mute) this.#greet(ws, entry, url.searchParams.get('after'))
    this.#signal()
  }

  #greet(ws: WebSocket, entry: FakeJob, cursor: string | null): void {
    const { job, log, cut } = entry
    const after = cursor === null ? null : Number(cursor)
    const reset = after !== null && (after > log.length || after < cut)
    if (after !== null && !reset && after < log.length) {
      const events = log.slice(after)
      ws.send(JSON.stringify({ type: 'replay', from: after + 1, to: log.length, events }))
      if (this.dropInReplay > 0) {
        this.dropInReplay--
        ws.terminate()
        return
      }
    }
    ws.send(JSON.stringify({ type: 'snapshot', seq: log.length, job, ...(reset ? { reset } : {}) }))
    if (isEnded(job)) ws.close(1000)
    else entry.watchers.add(ws)
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', this.url)
    const seen: Seen = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      bytes: Buffer.alloc(0),
      body: '',
    }
    // An aborted body is recorded as far as it was received.
    await (async () => {
      for await (const chunk of request) seen.bytes = Buffer.concat([seen.bytes, chunk])
    })().catch(() => {})
    seen.body = seen.bytes.toString()
    this.requests.push(seen)
    this.#signal()
    if (await this.intercept(seen, response)) return
    const [, , , id = '', rest] = seen.path.split('/')
    const entry = this.#jobs.get(id)
    if (!entry) return problem(response, 404, 'job_not_found')
    if (rest === 'events') return this.#events(seen, response, entry)
    const etag = () => `"${entry.job.version}-${entry.job.progress}-${entry.job.stage}"`
    const same = () => seen.headers['if-none-match'] === etag()
    if (same() && seen.query.has('wait') && this.holdMs > 0) {
      const changed = Promise.withResolvers<void>()
      entry.waiting.add(changed.resolve)
      const timer = setTimeout(changed.resolve, this.holdMs)
      this.#signal()
      await changed.promise
      clearTimeout(timer)
    }
    response.setHeader('etag', etag())
    if (same()) response.writeHead(304).end()
    else json(response, 200, entry.job)
  }

  #events(seen: Seen, response: ServerResponse, { log, cut }: FakeJob): void {
    const after = Math.max(cut, Number(seen.query.get('after') ?? 0))
    const limit = Math.min(7, Number(seen.query.get('limit') ?? 7))
    json(response, 200, { events: log.slice(after, after + limit), first_seq: cut + 1, last_seq: log.length })
  }
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

export function problem(
  response: ServerResponse,
  status: number,
  code: string,
  headers: Record<string, string> = {},
): void {
  response
    .writeHead(status, { 'content-type': 'application/problem+json', 'x-request-id': 'req-1', ...headers })
    .end(
      JSON.stringify({ type: `/docs/problems#${code}`, title: code, status, code, detail: `It is ${code}.` }),
    )
}

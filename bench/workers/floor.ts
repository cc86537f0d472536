/**
 * The floor: for each measure the minimum that the platform allows, without checks, logs or guarantees. It could not be
 * used in production; it shows the platform's own share of a request.
 */
import { DurableObject } from 'cloudflare:workers'
import { createHash, createHmac } from 'node:crypto'
import { dutiful } from './dutiful.ts'

interface Env {
  DB: D1Database
  VIDEOS: R2Bucket
  FLOOR: DurableObjectNamespace<Floor>
  AUTH_SECRET: string
  PUBLIC_URL: string
  RUNPOD_ENDPOINT: string
  RUNPOD_API_KEY: string
}

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
/** Minimum time between progress messages to watchers. */
const SPACING_MS = 100
const KEY = new Uint8Array(32)

const INSERT = `INSERT INTO export_jobs (id, project_id, type, status, input_video_key, params, max_attempts, request_hash,
  created_at, due_at, mirrored_at) VALUES (?1, 1, 'overlay', 'pending', ?2, '{}', 3, 'hash', ?3, ?3, ?3)`

export class Floor extends DurableObject<Env> {
  #awake = false
  #held = {
    requestId: '',
    progress: {},
    clocks: { stall: Infinity, execution: Infinity, deadline: Infinity },
  }
  #wakeAt = Infinity
  #toldAt = 0
  #next: { step: 'dispatch' | 'look'; id: string } | null = null

  async create(state: string): Promise<void> {
    const { sql } = this.ctx.storage
    sql.exec('CREATE TABLE IF NOT EXISTS job (id INTEGER PRIMARY KEY, state TEXT NOT NULL)')
    sql.exec('INSERT INTO job (id, state) VALUES (1, ?)', state)
    void this.ctx.storage.setAlarm(Date.now() + HOUR_MS)
  }

  /** The alarm's next step, run at once. */
  async next(step: 'dispatch' | 'look', id: string): Promise<void> {
    this.#next = { step, id }
    this.ctx.storage.sql.exec('UPDATE job SET state = ? WHERE id = 1', step)
    void this.ctx.storage.setAlarm(Date.now())
  }

  async report(state: string): Promise<void> {
    this.ctx.storage.sql.exec('UPDATE job SET state = ? WHERE id = 1', state)
  }

  async read(): Promise<string> {
    return this.ctx.storage.sql.exec<{ state: string }>('SELECT state FROM job WHERE id = 1').one().state
  }

  /**
   * The same after the reads that every durable actor makes first: the end of its log, and its alarm. The answer has a
   * signed URL and an entity tag.
   */
  async wakeAndRead(): Promise<{ text: string; etag: string }> {
    if (!this.#awake) {
      this.#awake = true
      const { sql } = this.ctx.storage
      sql.exec('SELECT (SELECT MIN(id) FROM job) AS first, (SELECT MAX(id) FROM job) AS last').one()
      await this.ctx.blockConcurrencyWhile(() => this.ctx.storage.getAlarm())
    }
    const state: { input_video_key: string } = JSON.parse(await this.read())
    const path = `/video/${state.input_video_key}`
    const signature = createHmac('sha256', KEY).update(`GET ${path}`).digest().join('')
    const text = JSON.stringify({ ...state, input_url: `${path}?sig=${signature}` })
    return { text, etag: `W/"${createHash('sha256').update(text).digest('hex').slice(0, 32)}"` }
  }

  /**
   * Handles a report as an actor that has its job in memory: a new state, the next alarm, then messages to watchers, at
   * most ten times a second.
   */
  async tell(report: object, requestId: string): Promise<{ ok: true; cancel: boolean }> {
    const now = Date.now()
    const { progress, clocks } = this.#held
    this.#held = {
      ...this.#held,
      requestId,
      progress: { ...progress, ...report, last_report_at: new Date(now).toISOString() },
      clocks: { ...clocks, stall: now + MINUTE_MS },
    }
    const wakeAt = Math.min(...Object.values(this.#held.clocks))
    if (wakeAt < this.#wakeAt) this.#wakeAt = wakeAt
    if (now - this.#toldAt < SPACING_MS) return { ok: true, cancel: false }
    this.#toldAt = now
    const text = JSON.stringify({ type: 'progress', seq: 3, ...this.#held.progress })
    for (const socket of this.ctx.getWebSockets()) socket.send(text)
    return { ok: true, cancel: false }
  }

  async broadcast(text: string): Promise<void> {
    for (const socket of this.ctx.getWebSockets()) socket.send(text)
  }

  /** Accepts and sends one message of the requested length. */
  override async fetch(request: Request): Promise<Response> {
    const { 0: client, 1: server } = new WebSocketPair()
    this.ctx.acceptWebSocket(server)
    const bytes = Number(new URL(request.url).searchParams.get('bytes'))
    server.send('x'.repeat(bytes))
    return new Response(null, { status: 101, webSocket: client })
  }

  /** Drops the message, or echoes it. */
  override async webSocketMessage(socket: WebSocket, message: string): Promise<void> {
    if (message.startsWith('echo')) socket.send(message)
  }

  override async webSocketClose(socket: WebSocket): Promise<void> {
    socket.close(1000)
  }

  override async alarm(): Promise<void> {
    const next = this.#next
    this.#next = null
    if (next?.step === 'dispatch') await this.#dispatch(next.id)
    if (next?.step === 'look') await this.#look(next.id)
  }

  /** Checks the input, writes the start, and calls RunPod. */
  async #dispatch(id: string): Promise<void> {
    await this.report('dispatching')
    await this.env.VIDEOS.head(`input/${id}.mp4`)
    const base = this.env.PUBLIC_URL
    const output = { put_url: `${base}/video/${id}`, video_key: id, content_type: 'video/mp4' }
    await fetch(`${this.env.RUNPOD_ENDPOINT}/run`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${this.env.RUNPOD_API_KEY}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({
        input: { job_id: id, output, callback_url: `${base}/done/${id}`, callback_token: 'x' },
        webhook: `${base}/hook/${id}`,
      }),
    })
    await this.report('queued')
  }

  /** Checks the output, writes the end, and updates the watchers and the list. */
  async #look(id: string): Promise<void> {
    await this.env.VIDEOS.head(id)
    await this.report('complete')
    await this.broadcast('{"job":{"status":"complete"}}')
    await this.env.DB.prepare("UPDATE export_jobs SET status = 'complete', outcome = 'complete' WHERE id = ?")
      .bind(id)
      .run()
  }
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const url = new URL(request.url)
    if (url.pathname.startsWith('/dutiful-')) return dutiful(request, env)
    const [, verb = '', name = ''] = url.pathname.split('/')
    const floor = () => env.FLOOR.getByName(name)
    switch (verb) {
      case 'create': {
        const state = await request.text()
        await env.DB.prepare(INSERT).bind(name, `input/${name}.mp4`, Date.now()).run()
        await floor().create(state)
        return new Response(state, { status: 201 })
      }
      case 'start': {
        await env.DB.prepare(INSERT).bind(name, `input/${name}.mp4`, Date.now()).run()
        const actor = floor()
        await actor.create(await request.text())
        await actor.next('dispatch', name)
        return Response.json({ job_id: name }, { status: 201 })
      }
      case 'done':
        await floor().next('look', name)
        return new Response('{}')
      // RunPod's webhook, which follows the worker's report, is written as well.
      case 'hook':
      case 'report':
        await floor().report(await request.text())
        return new Response('{"ok":true,"cancel":false}')
      case 'job':
        return new Response(await floor().read())
      case 'broadcast':
        await floor().broadcast(await request.text())
        return new Response('{"ok":true,"cancel":false}')
      case 'ws':
        return floor().fetch(request)
      case 'list': {
        const { query, values } = await request.json<{ query: string; values: (string | number)[] }>()
        const { results } = await env.DB.prepare(query)
          .bind(...values)
          .all()
        return Response.json({ jobs: results })
      }
      case 'video': {
        if (request.method === 'PUT') {
          await env.VIDEOS.put(name, request.body)
          return new Response(null, { status: 200 })
        }
        const object = await env.VIDEOS.get(name)
        return new Response(object?.body ?? null, { status: object ? 200 : 404 })
      }
    }
    return new Response(null, { status: 404 })
  },
}

/**
 * The floor: for each measure the least that the platform allows, without a check, a log line or a promise. Nobody
 * could ship it; it says how much of a request is the platform's own.
 */
import { DurableObject } from 'cloudflare:workers'

interface Env {
  DB: D1Database
  VIDEOS: R2Bucket
  FLOOR: DurableObjectNamespace<Floor>
}

const HOUR_MS = 3_600_000

const INSERT = `INSERT INTO export_jobs (id, project_id, type, status, input_video_key, params, max_attempts, request_hash,
  created_at, due_at, mirrored_at) VALUES (?1, 1, 'overlay', 'pending', ?2, '{}', 3, 'hash', ?3, ?3, ?3)`

export class Floor extends DurableObject<Env> {
  async create(state: string): Promise<void> {
    const { sql } = this.ctx.storage
    sql.exec('CREATE TABLE IF NOT EXISTS job (id INTEGER PRIMARY KEY, state TEXT NOT NULL)')
    sql.exec('INSERT INTO job (id, state) VALUES (1, ?)', state)
    void this.ctx.storage.setAlarm(Date.now() + HOUR_MS)
  }

  async report(state: string): Promise<void> {
    this.ctx.storage.sql.exec('UPDATE job SET state = ? WHERE id = 1', state)
  }

  async read(): Promise<string> {
    return this.ctx.storage.sql.exec<{ state: string }>('SELECT state FROM job WHERE id = 1').one().state
  }

  async broadcast(text: string): Promise<void> {
    for (const socket of this.ctx.getWebSockets()) socket.send(text)
  }

  /** Bare accept and one message, as long as asked for. */
  override async fetch(request: Request): Promise<Response> {
    const { 0: client, 1: server } = new WebSocketPair()
    this.ctx.acceptWebSocket(server)
    const bytes = Number(new URL(request.url).searchParams.get('bytes'))
    server.send('x'.repeat(bytes))
    return new Response(null, { status: 101, webSocket: client })
  }

  override async webSocketClose(socket: WebSocket): Promise<void> {
    socket.close(1000)
  }

  override async alarm(): Promise<void> {}
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const url = new URL(request.url)
    const [, verb = '', name = ''] = url.pathname.split('/')
    const floor = () => env.FLOOR.getByName(name)
    switch (verb) {
      case 'create': {
        const state = await request.text()
        await env.DB.prepare(INSERT).bind(name, `input/${name}.mp4`, Date.now()).run()
        await floor().create(state)
        return new Response(state, { status: 201 })
      }
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

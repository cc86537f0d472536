/**
 * The plain design's object: an inner `fetch` with a switch over paths, sockets taken with `accept()` in a set, its
 * state under one key. It calls RunPod within the request that creates the job.
 */
import { DurableObject } from 'cloudflare:workers'
import type { PlainEnv } from './index.ts'

interface State {
  id: string
  status: string
  progress: number
  attempt: number
  request: Record<string, unknown>
}

export class PlainJob extends DurableObject<PlainEnv> {
  readonly #sockets = new Set<WebSocket>()

  override async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    if (pathname.endsWith('/ws')) return this.#watch()
    if (pathname.endsWith('/create')) return this.#create(await request.json())
    const body = await request.json<{ progress?: number; should_retry?: boolean }>()
    if (pathname.endsWith('/progress'))
      return this.#update({ status: 'processing', progress: body.progress ?? 0 })
    if (pathname.endsWith('/complete')) return this.#update({ status: 'complete', progress: 100 })
    if (!body.should_retry) return this.#update({ status: 'error' })
    await this.#update({ status: 'pending', progress: 0 })
    return this.#dispatch()
  }

  async #create(state: State): Promise<Response> {
    await this.ctx.storage.put('job', state)
    return this.#dispatch()
  }

  async #dispatch(): Promise<Response> {
    const state = await this.#state()
    const callback = `${this.env.PUBLIC_URL}/api/jobs/${state.id}/do`
    const response = await fetch(`${this.env.RUNPOD_ENDPOINT}/run`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${this.env.RUNPOD_API_KEY}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({
        input: {
          job_id: state.id,
          callback_token: this.env.AUTH_SECRET,
          callback_url: callback,
          ...state.request,
        },
      }),
    })
    const { id } = await response.json<{ id: string }>()
    await this.ctx.storage.put('runpod_job_id', id)
    return this.#update({ status: 'queued', attempt: state.attempt + 1 })
  }

  async #update(changes: Partial<State>): Promise<Response> {
    const state = { ...(await this.#state()), ...changes }
    await this.ctx.storage.put('job', state)
    await this.env.DB.prepare(
      'UPDATE export_jobs SET status = ?, progress = ?, attempt = ?, mirrored_at = ? WHERE id = ?',
    )
      .bind(state.status, state.progress, state.attempt, Date.now(), state.id)
      .run()
    const ended = state.status === 'complete' || state.status === 'error'
    const text = JSON.stringify({ type: ended ? 'event' : 'progress', job: state })
    for (const socket of this.#sockets) {
      socket.send(text)
      if (ended) socket.close(1000, 'done')
    }
    return Response.json({ ok: true, cancel: false })
  }

  async #state(): Promise<State> {
    const state = await this.ctx.storage.get<State>('job')
    if (!state) throw new Error('There is no such job.')
    return state
  }

  async #watch(): Promise<Response> {
    const { 0: client, 1: server } = new WebSocketPair()
    server.accept()
    this.#sockets.add(server)
    server.addEventListener('close', () => this.#sockets.delete(server))
    server.send(JSON.stringify({ type: 'snapshot', job: await this.#state() }))
    return new Response(null, { status: 101, webSocket: client })
  }
}

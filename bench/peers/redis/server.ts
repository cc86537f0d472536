/** The peer's HTTP API, and its watchers: reports are sent to the sockets of this process. */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { WebSocketServer } from 'ws'
import type { Jobs } from './jobs.ts'
import type { Watchers } from './watchers.ts'

/** Longer than a measure leaves a caller's connection idle. */
const KEEP_ALIVE_MS = 600_000

interface Answer {
  status: number
  body: object
}

export function serve(jobs: Jobs, watchers: Watchers): Server {
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    void route(request, jobs, watchers)
      .catch((error: unknown): Answer => ({ status: 500, body: { error: String(error) } }))
      .then(({ status, body }) => {
        response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
      })
  })
  server.on('upgrade', (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, async (watcher) => {
      const id = idOf(request)
      watchers.add(id, watcher)
      watcher.send(JSON.stringify({ type: 'snapshot', job: await jobs.view(id) }))
    })
  })
  return server
}

async function route(request: IncomingMessage, jobs: Jobs, watchers: Watchers): Promise<Answer> {
  const { method, url = '' } = request
  const id = idOf(request)
  if (id === '') {
    const delayMs = Number(new URLSearchParams(url.split('?')[1]).get('delay_ms'))
    const job_id = await jobs.create(await bodyOf(request), delayMs)
    return { status: 201, body: { job_id, status: 'pending' } }
  }
  if (method === 'GET') {
    const body = await jobs.view(id)
    return body ? { status: 200, body } : { status: 404, body: { error: 'not found' } }
  }
  const body = await bodyOf<{ progress?: number; should_retry?: boolean }>(request)
  if (url.endsWith('/progress')) {
    const progress = { ...body, progress: body.progress ?? 0 }
    await jobs.progress(id, progress)
    watchers.tell(id, { type: 'progress', job_id: id, status: 'processing', ...progress })
  } else if (url.endsWith('/complete')) jobs.complete(id)
  else jobs.fail(id, body.should_retry === true)
  return { status: 200, body: { ok: true, cancel: false } }
}

/** The id in `/api/jobs/ID/…`; empty for `/api/jobs` itself. */
function idOf({ url = '' }: IncomingMessage): string {
  return url.split('/')[3] ?? ''
}

async function bodyOf<T>(request: IncomingMessage): Promise<T> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return JSON.parse(Buffer.concat(chunks).toString('utf8'))
}

/**
 * The HTTP server: RunPod's API under `/v2/{endpoint}/…`, which requires the key, and `/faults` and `/jobs` for the
 * developer, which do not. It listens on the loopback address only.
 */
import { timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { debugView, type JsonObject } from './job.ts'
import type { Log } from './log.ts'
import { Refusal, readJson } from './request.ts'
import { type Reply, type Route, type RouteContext, routes } from './routes.ts'
import { workerRoutes } from './worker-routes.ts'

const FAULTS_LIMIT = 1024 * 1024
const OPERATIONS = new Map<string, Route>(Object.entries({ ...routes, ...workerRoutes }))
/** Longer than any client keeps an idle connection: the worker SDK keeps one for 15 s, and does not repeat a POST. */
const KEEP_ALIVE_MS = 75_000
const LOOPBACK = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i

export interface ServerContext extends RouteContext {
  apiKey: string
  log: Log
  /** Called for each request without the right key, with the operation in its path. */
  onWrongKey(operation: string): void
}

/** A server that is not listening yet; requests wait for `context`. */
export function createApi(context: Promise<ServerContext>): Server {
  return createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    answer(request, response, context).catch(() => response.destroy())
  })
}

async function answer(request: IncomingMessage, response: ServerResponse, ready: Promise<ServerContext>) {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const context = await ready
  const reply = await route(request, context, gone.signal).catch((error: unknown): Reply => {
    if (error instanceof Refusal) return { status: error.status, body: { detail: error.message } }
    context.log('request.failed', { error: error instanceof Error ? error.message : 'unknown' })
    return { status: 500, body: { detail: 'Internal Server Error' } }
  })
  if (reply.lost) {
    request.socket.destroy()
    return
  }
  // The unread rest of a body would be parsed as the next request on this connection.
  if (!request.readableEnded) request.resume()
  const { undelivered } = reply
  if (undelivered) {
    const look = () => {
      if (!response.writableFinished) undelivered()
    }
    if (response.closed) look()
    else response.once('close', look)
  }
  if (reply.body === null) {
    response.writeHead(reply.status, reply.headers).end()
    return
  }
  response.writeHead(reply.status, { ...reply.headers, 'content-type': 'application/json' })
  response.end(JSON.stringify(reply.body))
}

async function route(request: IncomingMessage, context: ServerContext, gone: AbortSignal): Promise<Reply> {
  const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://localhost')
  if (pathname === '/faults' || pathname === '/jobs') return local(pathname, request, context)
  const [, version, endpoint, operation = '', ...ids] = pathname.split('/')
  if (version !== 'v2' || !endpoint) throw new Refusal(404, 'Not Found')
  if (!hasKey(request, context.apiKey)) {
    context.onWrongKey(operation)
    throw new Refusal(401, 'Unauthorized')
  }
  const found = OPERATIONS.get(operation)
  if (found?.ids !== ids.length || ids.includes('')) throw new Refusal(404, 'Not Found')
  if (!found.methods.includes(request.method ?? '')) throw new Refusal(405, 'Method Not Allowed')
  const [id = '', secondId = ''] = ids
  return found.answer({ request, query, id, secondId, gone }, context)
}

/** The documented form is `Bearer KEY`; examples in RunPod's docs send the key alone, so both are accepted. */
function hasKey(request: IncomingMessage, apiKey: string): boolean {
  const sent = Buffer.from((request.headers.authorization ?? '').replace(/^Bearer\s+/i, ''))
  const wanted = Buffer.from(apiKey)
  return sent.length === wanted.length && timingSafeEqual(sent, wanted)
}

async function local(path: string, request: IncomingMessage, context: ServerContext): Promise<Reply> {
  // DNS rebinding: a web page may resolve its host name to this address, but the Host header still contains that name.
  if (!LOOPBACK.test(request.headers.host ?? '')) throw new Refusal(403, 'only for this computer')
  if (path === '/jobs') {
    if (request.method !== 'GET') throw new Refusal(405, 'Method Not Allowed')
    return ok({ jobs: context.endpoint.history().map(debugView) })
  }
  if (request.method === 'PUT') {
    const body = await readJson(request, FAULTS_LIMIT)
    try {
      context.faults.replace(body)
    } catch (error) {
      throw new Refusal(400, error instanceof Error ? error.message : 'unusable')
    }
    context.log('faults.set', { switches: JSON.stringify(body) })
    context.endpoint.pump()
  } else if (request.method !== 'GET') throw new Refusal(405, 'Method Not Allowed')
  return ok({ ...context.faults.body })
}

function ok(body: JsonObject): Reply {
  return { status: 200, body }
}

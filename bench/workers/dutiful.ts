/**
 * The floor with duties: the same calls to the same object as the floor, plus what any service on this platform does.
 * It routes, verifies the caller's token, validates the body by a schema, answers with an entity tag, the request id
 * and the headers for browsers and caches, and writes one log line. It is the minimal reproduction of the service's
 * cost beyond the floor, without jobs, state machine or guarantees.
 */

import { createHmac, timingSafeEqual } from 'node:crypto'
import { type IRequestStrict, Router } from 'itty-router'
import * as v from 'valibot'
import type { Floor } from './floor.ts'

interface Env {
  DB: D1Database
  FLOOR: DurableObjectNamespace<Floor>
  AUTH_SECRET: string
}

const ShortText = v.nullish(
  v.pipe(
    v.string(),
    v.transform((text) => text.slice(0, 500)),
  ),
)
const Report = v.object({
  progress: v.pipe(v.number(), v.minValue(0), v.maxValue(100)),
  stage: ShortText,
  message: ShortText,
  eta_seconds: v.nullish(v.pipe(v.number(), v.minValue(0))),
  runpod_job_id: v.nullish(v.pipe(v.string(), v.regex(/^[\w-]{1,200}$/))),
})

const Query = v.strictObject({ query: v.string(), values: v.array(v.union([v.string(), v.number()])) })

interface ListedRow {
  params: string
  metadata: string
  tags: string
  created_at: number
  finished_at: number | null
}

interface Exchange {
  request: Request
  env: Env
  url: URL
  requestId: string
}

const router = Router<IRequestStrict, [Exchange]>()
// Simulates the routes of a service that precede the requested one and are tried first.
for (let nth = 0; nth < 4; nth++) {
  router.get(`/dutiful-${nth}/:name`, notThis).post(`/dutiful-${nth}/:name/do`, notThis)
}
router
  .post('/dutiful-report/:name', async ({ params }, exchange) => {
    const report = await readBody(exchange.request, Report)
    await actorOf(exchange, params.name).report(JSON.stringify(report))
    return answer(exchange, '{"ok":true,"cancel":false}')
  })
  .get('/dutiful-job/:name', async ({ params }, exchange) => {
    return shownText(exchange, await actorOf(exchange, params.name).read())
  })
  .get('/dutiful-cold/:name', async ({ params }, exchange) => {
    const { text, etag } = await actorOf(exchange, params.name).wakeAndRead()
    return answer(exchange, text, { ETag: etag })
  })
  .post('/dutiful-broadcast/:name', async ({ params }, exchange) => {
    const report = await readBody(exchange.request, Report)
    const reply = await actorOf(exchange, params.name).tell(report, exchange.requestId)
    return answer(exchange, JSON.stringify(reply))
  })
  // By the service's indices and columns, with JSON parsed and instants as text.
  .post('/dutiful-list', async (_, exchange) => {
    const { query, values } = await readBody(exchange.request, Query)
    const statement = exchange.env.DB.prepare(query).bind(...values)
    const { results } = await statement.all<ListedRow>()
    return answer(exchange, JSON.stringify({ jobs: results.map(shown) }))
  })

/** Handles paths that begin with `/dutiful-`. */
export async function dutiful(request: Request, env: Env): Promise<Response> {
  const url = new URL(request.url)
  const requestId = request.headers.get('X-Request-Id') ?? crypto.randomUUID()
  const [, token = ''] = /^Bearer +([\w.~+/=-]+) *$/i.exec(request.headers.get('Authorization') ?? '') ?? []
  if (!isSigned(token, env.AUTH_SECRET)) return new Response(null, { status: 401 })
  const exchange: Exchange = { request, env, url, requestId }
  const response: Response = await router.fetch({ method: request.method, url: request.url }, exchange)
  return response
}

/** Cache of tokens with a valid signature. */
const held = new Set<string>()

/** Whether the bench has signed this token for its Worker: `<who>.<signature>`. */
function isSigned(token: string, secret: string): boolean {
  const [, who, signature] = /^(\w+)\.(\d+)$/.exec(token) ?? []
  if (who === undefined || signature === undefined) return false
  const claim = [who, signature, secret].join('\n')
  if (held.has(claim)) return true
  const text = new TextEncoder()
  const expected = text.encode(createHmac('sha256', text.encode(secret)).update(who).digest().join(''))
  const given = text.encode(signature)
  const holds = given.length === expected.length && timingSafeEqual(given, expected)
  if (holds) held.add(claim)
  return holds
}

function notThis(): Response {
  return new Response(null, { status: 404 })
}

function actorOf({ env }: Exchange, name: string | undefined): DurableObjectStub<Floor> {
  return env.FLOOR.getByName(name ?? '')
}

const LARGEST_BODY = 256 * 1024
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

async function readBody<S extends v.GenericSchema>(request: Request, schema: S): Promise<v.InferOutput<S>> {
  const { headers } = request
  const isJson = /^application\/json *(;|$)/i.test(headers.get('Content-Type') ?? '')
  if (!isJson || headers.get('Content-Encoding') !== null) throw new Error('Only JSON is read.')
  if (Number(headers.get('Content-Length')) > LARGEST_BODY) throw new Error('The body is too large.')
  const bytes = await request.arrayBuffer()
  const value: unknown = JSON.parse(decoder.decode(bytes))
  if (!isSafe(value)) throw new Error('Such a name or text may not be used.')
  return v.parse(schema, value)
}

function isSafe(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  if (value === null || typeof value !== 'object') return true
  return Object.entries(value).every(([name, inner]) => name !== '__proto__' && isSafe(inner))
}

function shown(row: ListedRow): object {
  const { params, metadata, tags, created_at, finished_at } = row
  return {
    ...row,
    params: JSON.parse(params),
    metadata: JSON.parse(metadata),
    tags: JSON.parse(tags),
    created_at: new Date(created_at).toISOString(),
    finished_at: finished_at === null ? null : new Date(finished_at).toISOString(),
  }
}

async function shownText(exchange: Exchange, text: string): Promise<Response> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return answer(exchange, text, { ETag: `W/"${new Uint8Array(hash).join('')}"` })
}

function answer(
  { request, url, requestId }: Exchange,
  body: string,
  headers: Record<string, string> = {},
): Response {
  const line = { at: 'request', method: request.method, route: url.pathname, status: 200, ms: 1 }
  console.log(JSON.stringify({ ...line, request_id: requestId, job_id: url.pathname }))
  const response = new Response(body, {
    headers: { 'Content-Type': 'application/json', 'Cache-Control': 'private, no-store', ...headers },
  })
  response.headers.set('X-Request-Id', requestId)
  response.headers.append('Vary', 'Origin')
  return response
}

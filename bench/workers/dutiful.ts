/**
 * The floor with duties: the same calls to the same object as the floor's, with what any service on this stack does
 * besides. It routes, reads the caller's token, checks the body against a schema, answers with an entity tag, the
 * request's id and the headers that browsers and caches want, and writes one line of a log. It is the minimal
 * reproduction of what the service costs beyond the floor: no job, no state machine, no promise.
 */
import { type IRequestStrict, Router } from 'itty-router'
import * as v from 'valibot'
import type { Floor } from './floor.ts'

interface Env {
  DB: D1Database
  FLOOR: DurableObjectNamespace<Floor>
}

const Report = v.object({
  progress: v.pipe(v.number(), v.minValue(0), v.maxValue(100)),
  stage: v.nullish(v.string()),
  eta_seconds: v.nullish(v.pipe(v.number(), v.minValue(0))),
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
  token: string
}

const router = Router<IRequestStrict, [Exchange]>()
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
    const reply = await actorOf(exchange, params.name).tell(report)
    return answer(exchange, JSON.stringify(reply))
  })
  // On the indices that the service has, with its columns, JSON as JSON and instants as text.
  .post('/dutiful-list', async (_, exchange) => {
    const { query, values } = await readBody(exchange.request, Query)
    const statement = exchange.env.DB.prepare(query).bind(...values)
    const { results } = await statement.all<ListedRow>()
    return answer(exchange, JSON.stringify({ jobs: results.map(shown) }))
  })

/** Answers what begins with `/dutiful-`. */
export async function dutiful(request: Request, env: Env): Promise<Response> {
  const url = new URL(request.url)
  const [, token = ''] = /^Bearer +([\w.~+/=-]+) *$/i.exec(request.headers.get('Authorization') ?? '') ?? []
  const exchange: Exchange = { request, env, url, token }
  const response: Response = await router.fetch({ method: request.method, url: request.url }, exchange)
  return response
}

function actorOf({ env }: Exchange, name: string | undefined): DurableObjectStub<Floor> {
  return env.FLOOR.getByName(name ?? '')
}

async function readBody<S extends v.GenericSchema>(request: Request, schema: S): Promise<v.InferOutput<S>> {
  const bytes = await request.arrayBuffer()
  return v.parse(
    schema,
    JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes)),
  )
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
  { request, url, token }: Exchange,
  body: string,
  headers: Record<string, string> = {},
): Response {
  const id = request.headers.get('X-Request-Id') ?? crypto.randomUUID()
  const line = { at: 'request', method: request.method, route: url.pathname, status: 200, ms: 1 }
  console.log(JSON.stringify({ ...line, request_id: id, job_id: url.pathname, known: token !== '' }))
  const response = new Response(body, {
    headers: { 'Content-Type': 'application/json', 'Cache-Control': 'private, no-store', ...headers },
  })
  response.headers.set('X-Request-Id', id)
  response.headers.append('Vary', 'Origin')
  return response
}

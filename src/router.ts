/** The HTTP API: its routes by folder, the only catch, and the headers of every response. */
import type { IRequestStrict } from 'itty-router'
import { Router } from 'itty-router/Router'
import { settingsOf } from '../actors/shared/settings.ts'
import { ADMIN_ROUTES } from './admin/routes.ts'
import { createSession } from './auth/session.ts'
import { createToken } from './auth/tokens.ts'
import type { Env } from './env.ts'
import { FILE_ROUTES } from './files/routes.ts'
import { GPU_ROUTES } from './gpu/routes.ts'
import { problemOf } from './http/bug.ts'
import { corsHeaders, preflight } from './http/cors.ts'
import { type Exchange, isUpgrade } from './http/exchange.ts'
import { logRequest } from './http/log.ts'
import { notConfigured, Problem } from './http/problem.ts'
import { type Route, scoped, signed } from './http/route.ts'
import { withProtocol } from './http/subprotocol.ts'
import { JOB_ROUTES } from './jobs/routes.ts'
import { PAGES, serveNothingHere, servePage } from './service/pages.ts'
import { SERVICE_ROUTES } from './service/routes.ts'
import { WATCH_ROUTES } from './watch/routes.ts'
import { refusedUpgrade } from './watch/socket.ts'

/** Every route of the API, with the access it requires. GET routes handle HEAD as well. */
export const ROUTES: readonly Route[] = [
  ...SERVICE_ROUTES,
  ...JOB_ROUTES,
  ...WATCH_ROUTES,
  ...GPU_ROUTES,
  ...FILE_ROUTES,
  ...ADMIN_ROUTES,
  scoped('POST', '/api/tokens', 'any', createToken),
  signed('POST', '/api/admin/session', 'Access assertion', createSession),
]

const router = Router<IRequestStrict, [Exchange]>()
for (const route of ROUTES) {
  const answer = ({ params }: IRequestStrict, exchange: Exchange) => {
    exchange.notes.route = route.path
    return route.answer(exchange, params)
  }
  if (route.method === 'GET') router.get(route.path, answer).head(route.path, answer)
  else if (route.method === 'POST') router.post(route.path, answer)
  else if (route.method === 'PUT') router.put(route.path, answer)
  else router.delete(route.path, answer)
}
for (const path of PAGES) {
  const answer = async (_: IRequestStrict, exchange: Exchange) => {
    exchange.notes.route = path
    return (await servePage(exchange)) ?? (await serveNothingHere(exchange)) ?? nothingHere()
  }
  router.get(path, answer).head(path, answer)
}

/** Answers any request; never throws. */
export async function handle(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
  const started = Date.now()
  const exchange: Exchange = {
    request,
    env,
    ctx,
    url: new URL(request.url),
    requestId: requestIdOf(request),
    settings: settingsOf(env),
    notes: { route: null, jobId: null },
  }
  let response: Response
  try {
    response = await dispatch(exchange)
  } catch (error) {
    response = refusal(error, exchange)
  }
  logRequest(exchange, request.method, response.status, Date.now() - started)
  return finish(response, exchange)
}

async function dispatch(exchange: Exchange): Promise<Response> {
  const { request, env, url } = exchange
  if (request.method === 'OPTIONS') return preflight(request, env, knownMethods(url))
  // The router reads the method once per route; on a Request each read is a call into the platform.
  const asked = { method: request.method, url: request.url }
  const response: Response | undefined = await router.fetch(asked, exchange)
  if (response) return response
  const page = methodsOf(url).length === 0 ? await serveNothingHere(exchange) : null
  if (page) return page
  if (!exchange.settings.ok) throw notConfigured(exchange.settings.missing)
  const methods = knownMethods(url)
  const detail = `${url.pathname} takes ${methods.join(', ')}, not ${request.method}.`
  throw new Problem(405, 'method_not_allowed', detail, { headers: { Allow: methods.join(', ') } })
}

/** Methods of a path, with HEAD and OPTIONS. @throws Problem 404 for a path without a route */
function knownMethods(url: URL): string[] {
  const methods = methodsOf(url)
  if (methods.length === 0) nothingHere()
  return [...new Set([...methods, 'OPTIONS'])]
}

function methodsOf(url: URL): string[] {
  return router.routes.filter(([, pattern]) => pattern.test(url.pathname)).map(([method]) => method)
}

/** @throws Problem 404 */
function nothingHere(): never {
  throw new Problem(404, 'route_not_found', 'There is nothing at this address.')
}

/** The only catch of the HTTP API. */
export function refusal(error: unknown, exchange: Exchange): Response {
  const problem = problemOf(error, exchange)
  const socket = isUpgrade(exchange.request) ? refusedUpgrade(problem) : null
  return socket ?? problem.toResponse(exchange.requestId, baseOf(exchange))
}

function baseOf({ settings, url }: Exchange): string {
  return (settings.ok && settings.settings.publicUrl) || url.origin
}

/**
 * Completes the response: an upgrade gets its subprotocol alone; all others get their request id and CORS headers, and
 * HEAD loses its body.
 */
function finish(response: Response, { request, env, requestId }: Exchange): Response {
  if (response.status === 101) return withProtocol(request, response)
  const finished = request.method === 'HEAD' ? new Response(null, response) : response
  finished.headers.set('X-Request-Id', requestId)
  for (const [name, value] of Object.entries(corsHeaders(request, env))) finished.headers.append(name, value)
  return finished
}

/** The client's own id when it is safe to log, so that its logs and the Worker's can be matched. */
function requestIdOf(request: Request): string {
  const sent = request.headers.get('X-Request-Id')
  return sent !== null && /^[\w.:-]{1,128}$/.test(sent) ? sent : crypto.randomUUID()
}

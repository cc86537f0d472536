/** The HTTP API: its routes with the scope each needs, the one catch, and what every response carries. */
import type { IRequestStrict } from 'itty-router'
import { Router } from 'itty-router/Router'
import { settingsOf } from '../actors/settings.ts'
import { authorize, type Scope } from './auth.ts'
import { corsHeaders, preflight } from './cors.ts'
import type { Env } from './env.ts'
import { type Call, type Exchange, isUpgrade, type ScopedCall } from './http.ts'
import { logFailure, logRequest } from './log.ts'
import { notConfigured, Problem } from './problem.ts'
import { requireRate } from './rate-limit.ts'
import { actOnJob } from './routes/admin-actions.ts'
import { inspectJob } from './routes/admin-job.ts'
import { readStats } from './routes/admin-stats.ts'
import { getVideo } from './routes/downloads.ts'
import { explainProblem } from './routes/errors.ts'
import { readEvents } from './routes/events.ts'
import { health } from './routes/health.ts'
import { listJobTypes } from './routes/job-types.ts'
import { cancelJob, deleteJob, redeliverWebhook, retryJob } from './routes/jobs-commands.ts'
import { createJob } from './routes/jobs-create.ts'
import { listJobs } from './routes/jobs-list.ts'
import { readJob } from './routes/jobs-read.ts'
import { abortUpload, getParts, getProgress, refuseForm, signPart } from './routes/multipart.ts'
import { completeUpload } from './routes/multipart-complete.ts'
import { createUpload, createUploadToken } from './routes/multipart-create.ts'
import { putPart } from './routes/multipart-part.ts'
import { readOpenApi } from './routes/openapi.ts'
import { PAGES, serveNothingHere, servePage } from './routes/pages.ts'
import { reportComplete, reportError, reportProgress } from './routes/reports.ts'
import { runpodCallback } from './routes/runpod-callback.ts'
import { createToken } from './routes/tokens.ts'
import { createUploadUrl } from './routes/upload-url.ts'
import { putVideo } from './routes/uploads.ts'
import { refusedUpgrade, watchJob } from './routes/watch.ts'

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

export interface Route {
  readonly method: Method
  /** `:id` is one part of the path, `:key+` all the rest. */
  readonly path: string
  /** A scope of the caller's token, or `any` valid token; `open` needs nothing, `signed` checks its own signature. */
  readonly access: Scope | 'any' | 'open' | 'signed'
  readonly answer: (exchange: Exchange, params: Call['params']) => Promise<Response>
}

/** A browser opens sockets and event streams without headers of its own: the token may stand in the query. */
const BY_QUERY = { queryToken: true }

/** Every route of the API. GET routes answer HEAD as well. */
export const ROUTES: readonly Route[] = [
  open('GET', '/health', health),
  open('GET', '/errors/:code', explainProblem),
  open('GET', '/openapi.json', readOpenApi),

  scoped('POST', '/api/jobs', 'jobs:write', createJob),
  scoped('GET', '/api/jobs', 'jobs:read', listJobs),
  scoped('GET', '/api/jobs/:id', 'jobs:read', readJob),
  scoped('DELETE', '/api/jobs/:id', 'jobs:write', deleteJob),
  scoped('POST', '/api/jobs/:id/cancel', 'jobs:write', cancelJob),
  scoped('POST', '/api/jobs/:id/retry', 'jobs:write', retryJob),
  scoped('POST', '/api/jobs/:id/webhooks/:delivery/redeliver', 'jobs:write', redeliverWebhook),
  scoped('GET', '/api/jobs/:id/ws', 'jobs:read', watchJob, BY_QUERY),
  scoped('GET', '/api/jobs/:id/events', 'jobs:read', readEvents, BY_QUERY),

  signed('POST', '/api/jobs/:id/do/progress', reportProgress),
  signed('POST', '/api/jobs/:id/do/complete', reportComplete),
  signed('POST', '/api/jobs/:id/do/error', reportError),
  signed('POST', '/api/runpod/callback', runpodCallback),

  scoped('POST', '/api/videos/upload-url', 'videos:write', createUploadUrl),
  signed('PUT', '/api/videos/upload/:key+', putVideo),
  signed('GET', '/api/videos/download/:key+', getVideo),

  scoped('POST', '/api/uploads', 'videos:write', createUploadToken),
  signed('PUT', '/api/uploads/part/:key+', putPart),
  signed('POST', '/api/uploads/:token/s3/multipart', createUpload),
  signed('GET', '/api/uploads/:token/s3/multipart/:upload', getParts),
  signed('DELETE', '/api/uploads/:token/s3/multipart/:upload', abortUpload),
  signed('POST', '/api/uploads/:token/s3/multipart/:upload/complete', completeUpload),
  signed('GET', '/api/uploads/:token/s3/multipart/:upload/progress', getProgress),
  signed('GET', '/api/uploads/:token/s3/multipart/:upload/:part', signPart),
  signed('GET', '/api/uploads/:token/s3/params', refuseForm),

  scoped('GET', '/api/admin/stats', 'admin', readStats),
  scoped('GET', '/api/admin/jobs/:id', 'admin', inspectJob),
  scoped('POST', '/api/admin/jobs/:id/actions', 'admin', actOnJob),

  scoped('GET', '/api/job-types', 'jobs:read', listJobTypes),
  scoped('POST', '/api/tokens', 'any', createToken),
]

function open(method: Method, path: string, handle: Route['answer']): Route {
  return { method, path, access: 'open', answer: handle }
}

function signed(method: Method, path: string, handle: (call: Call) => Promise<Response>): Route {
  return {
    method,
    path,
    access: 'signed',
    answer: async (exchange, params) => handle(callOf(exchange, params)),
  }
}

function scoped(
  method: Method,
  path: string,
  scope: Scope | 'any',
  handle: (call: ScopedCall) => Promise<Response>,
  options: { queryToken?: boolean } = {},
): Route {
  return {
    method,
    path,
    access: scope,
    answer: async (exchange, params) => {
      const call = callOf(exchange, params)
      const caller = await authorize(call.request, call.url, call.settings, scope, options)
      await requireRate(call.env, caller)
      return handle({ ...call, caller })
    },
  }
}

function callOf(exchange: Exchange, params: Call['params']): Call {
  if (!exchange.settings.ok) throw notConfigured(exchange.settings.missing)
  return { ...exchange, settings: exchange.settings.settings, params }
}

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
  logRequest(exchange, response.status, Date.now() - started)
  return finish(response, exchange)
}

async function dispatch(exchange: Exchange): Promise<Response> {
  const { request, env, url } = exchange
  if (request.method === 'OPTIONS') return preflight(request, env, knownMethods(url))
  // The router asks for the method once for each route, which of the request itself is a call into the platform.
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

/** Methods of a path, HEAD and OPTIONS among them. @throws Problem 404 for a path that is not ours */
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

/** The one catch. What is not a Problem is a bug: logged, and told to the client by its request id alone. */
function refusal(error: unknown, exchange: Exchange): Response {
  const expected = error instanceof Problem
  if (!expected) logFailure(exchange, error)
  const problem = expected
    ? error
    : new Problem(500, 'internal_error', 'Something went wrong here; report it with the request id.')
  const socket = isUpgrade(exchange.request) ? refusedUpgrade(problem) : null
  return socket ?? problem.toResponse(exchange.requestId, baseOf(exchange))
}

function baseOf({ settings, url }: Exchange): string {
  return (settings.ok && settings.settings.publicUrl) || url.origin
}

/** An upgrade cannot be touched; all else gets its request id and CORS headers, and HEAD loses its body. */
function finish(response: Response, { request, env, requestId }: Exchange): Response {
  if (response.status === 101) return response
  const finished = request.method === 'HEAD' ? new Response(null, response) : response
  finished.headers.set('X-Request-Id', requestId)
  for (const [name, value] of Object.entries(corsHeaders(request, env))) finished.headers.append(name, value)
  return finished
}

/** The client's own id when it is harmless, so that its logs and ours meet. */
function requestIdOf(request: Request): string {
  const sent = request.headers.get('X-Request-Id')
  return sent !== null && /^[\w.:-]{1,128}$/.test(sent) ? sent : crypto.randomUUID()
}

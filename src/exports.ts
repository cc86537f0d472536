/**
 * `Exports`: the service for other Workers of the same account, by native RPC through a service binding. It calls the
 * same functions as the routes, without tokens, and without HTTP except for the upgrade of a watch. `ctx.props`
 * identifies the caller; only the owner of the account can set them.
 */
import { WorkerEntrypoint } from 'cloudflare:workers'
import * as v from 'valibot'
import { settingsOf } from '../actors/shared/settings.ts'
import type { Answer, ExportsBinding, ExportsProps, Refused } from '../wire/exports.ts'
import type { CancelledInstead, CreatedJob, DeletedJob, EventsPage, JobJson, JobPage } from '../wire/job.ts'
import type { CreateJobRequest, EventsQuery, ListQuery } from '../wire/requests.ts'
import type { Scope } from '../wire/tokens.ts'
import { type Caller, SCOPES, Subject } from './auth/access-token.ts'
import { requireScope } from './auth/caller.ts'
import type { Env } from './env.ts'
import { problemOf } from './http/bug.ts'
import { accepting } from './http/describing.ts'
import type { Asked, Exchange } from './http/exchange.ts'
import { isObject, optionalFields, ProjectId } from './http/fields.ts'
import { logRequest } from './http/log.ts'
import { parse } from './http/parse.ts'
import { notConfigured, Problem } from './http/problem.ts'
import { asJson } from './http/read-json.ts'
import { withProtocol } from './http/subprotocol.ts'
import { cancel, remove, retry } from './jobs/commands.ts'
import { accept, MAX_CREATE_BYTES } from './jobs/create.ts'
import { callersJobId, shownJob } from './jobs/job-id.ts'
import { listed } from './jobs/list.ts'
import { refusal } from './router.ts'
import { eventPage } from './watch/event-page.ts'
import { watchJob } from './watch/socket.ts'

const Props = accepting<ExportsProps>()(
  v.strictObject({
    project_id: v.nullable(ProjectId),
    scopes: v.pipe(v.array(v.picklist(SCOPES)), v.readonly()),
    name: v.optional(Subject, 'binding'),
  }),
)

/** What a call is given is checked as a body is: the calling Worker may be written without types. */
const CreateOptions = v.nullish(optionalFields({ idempotencyKey: v.nullish(v.string(), null) }), {})
const ChangeOptions = v.nullish(optionalFields({ ifMatch: v.nullish(v.string(), null) }), {})
const Query = v.nullish(v.custom<object>(isObject, 'This must be an object.'), {})

const WATCH_PATH = /^\/api\/jobs\/([^/]+)\/ws$/

export class Exports extends WorkerEntrypoint<Env, unknown> implements ExportsBinding {
  create(input: CreateJobRequest, options?: { idempotencyKey?: string }): Promise<Answer<CreatedJob>> {
    return this.#answer('create', 'jobs:write', '', async (call) => {
      const { idempotencyKey } = parse(CreateOptions, options, '/options')
      const body = asJson(input, { bytes: MAX_CREATE_BYTES })
      return (await accept(call, body, idempotencyKey)).text
    })
  }

  get(id: string): Promise<Answer<JobJson>> {
    return this.#answer(
      'get',
      'jobs:read',
      id,
      async (call) => (await shownJob(call, callersJobId(call))).text,
    )
  }

  list(query?: ListQuery): Promise<Answer<JobPage>> {
    return this.#answer('list', 'jobs:read', '', async (call) =>
      JSON.stringify(await listed(call, searchOf(query))),
    )
  }

  cancel(id: string): Promise<Answer<JobJson>> {
    return this.#answer('cancel', 'jobs:write', id, async (call) => (await cancel(call)).text)
  }

  retry(id: string, options?: { ifMatch?: string }): Promise<Answer<JobJson>> {
    return this.#answer('retry', 'jobs:write', id, async (call) =>
      retry(call, parse(ChangeOptions, options, '/options').ifMatch),
    )
  }

  remove(id: string, options?: { ifMatch?: string }): Promise<Answer<DeletedJob | CancelledInstead>> {
    return this.#answer(
      'remove',
      'jobs:write',
      id,
      async (call) => (await remove(call, parse(ChangeOptions, options, '/options').ifMatch)).text,
    )
  }

  events(id: string, query?: EventsQuery): Promise<Answer<EventsPage>> {
    return this.#answer('events', 'jobs:read', id, async (call) => eventPage(call, searchOf(query)))
  }

  /** The upgrade of `/api/jobs/:id/ws`, since RPC cannot return a socket. As over HTTP, a refusal is a close code. */
  override async fetch(request: Request): Promise<Response> {
    const started = Date.now()
    const url = new URL(request.url)
    const [, id] = WATCH_PATH.exec(url.pathname) ?? []
    const about = aboutOf('watch')
    let response: Response
    try {
      if (id === undefined)
        throw new Problem(404, 'route_not_found', 'Only a watch is opened here: /api/jobs/:id/ws.')
      const call = this.#callOf(about, 'jobs:read', id)
      response = await watchJob({ ...call, ctx: this.ctx, request, url })
    } catch (error) {
      const exchange: Exchange = {
        ...about,
        request,
        url,
        env: this.env,
        ctx: this.ctx,
        settings: settingsOf(this.env),
      }
      response = refusal(error, exchange)
    }
    logRequest(about, request.method, response.status, Date.now() - started)
    return withProtocol(request, response)
  }

  /** Runs a call and returns what it throws as a value; `T` is the type of the answer's JSON text. */
  async #answer<T>(
    name: string,
    scope: Scope,
    id: string,
    act: (call: Asked) => Promise<string>,
  ): Promise<Answer<T>> {
    const started = Date.now()
    const about = aboutOf(name)
    let answer: Answer<T>
    try {
      const value: T = JSON.parse(await act(this.#callOf(about, scope, id)))
      answer = { ok: true, value }
    } catch (error) {
      answer = refused(problemOf(error, about), about.requestId)
    }
    logRequest(about, 'RPC', answer.ok ? 200 : answer.status, Date.now() - started)
    return answer
  }

  /** @throws Problem 401 without props, 403 without the scope, 503 when the deployment is not set up */
  #callOf(about: About, scope: Scope, id: string): Asked {
    const { env } = this
    const answer = settingsOf(env)
    if (!answer.ok) throw notConfigured(answer.missing)
    const { settings } = answer
    const caller = callerOf(this.ctx.props)
    requireScope(caller, scope)
    // An HTTP request contains its origin; an RPC call does not.
    if (settings.publicUrl === null) throw notConfigured(['PUBLIC_URL'])
    return { ...about, env, settings, caller, url: new URL(settings.publicUrl), params: { id: String(id) } }
  }
}

type About = Pick<Exchange, 'requestId' | 'notes'>

function aboutOf(name: string): About {
  return { requestId: crypto.randomUUID(), notes: { route: `Exports.${name}`, jobId: null } }
}

/** @throws Problem 401 */
function callerOf(props: unknown): Caller {
  const read = v.safeParse(Props, props)
  if (!read.success) {
    const detail = 'This binding has no props, or wrong ones: name its project_id and its scopes.'
    throw new Problem(401, 'unauthorized', detail)
  }
  const { project_id: projectId, scopes, name: subject } = read.output
  return { subject, scopes, projectId, jobId: null, expiresAt: null, by: 'binding' }
}

/** The query in its URL form, so that the same rules parse it; null means absent. @throws Problem 400 */
function searchOf(query: unknown): URLSearchParams {
  const pairs = Object.entries(parse(Query, query, '/query')).flatMap(([name, values]) =>
    [values].flat().flatMap((value) => (value == null ? [] : [[name, String(value)]])),
  )
  return new URLSearchParams(pairs)
}

function refused({ status, code, message, errors, headers }: Problem, requestId: string): Refused {
  const seconds = headers['Retry-After']
  const retryAfter = seconds === undefined ? null : Number(seconds)
  return {
    ok: false,
    status,
    code,
    detail: message,
    errors: [...errors],
    retry_after_seconds: retryAfter,
    request_id: requestId,
  }
}

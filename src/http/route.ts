/** Rows of the route table: access is checked before the handler is called. */
import type { Scope } from '../../wire/tokens.ts'
import { authorize } from '../auth/caller.ts'
import type { Call, Exchange, ScopedCall } from './exchange.ts'
import { notConfigured } from './problem.ts'
import { requireRate } from './rate-limit.ts'

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** The credentials of a route without a scope; its handler verifies them. */
type Signature =
  | 'callback token'
  | 'signed URL'
  | 'signed URL or token'
  | 'token in path'
  | 'Access assertion'

export interface Route {
  readonly method: Method
  /** `:id` matches one segment of the path, `:key+` the rest of it. */
  readonly path: string
  /**
   * A scope of the caller's token, or `any` for every valid token; `open` requires nothing; the handler of `signed`
   * verifies its own signature.
   */
  readonly access: Scope | 'any' | 'open' | 'signed'
  /** The credentials of a `signed` route. */
  readonly signature?: Signature
  /** Whether the access token may be in the query. */
  readonly queryToken?: boolean
  readonly answer: (exchange: Exchange, params: Call['params']) => Promise<Response>
}

/** For sockets and event streams, which browsers open without custom headers: the token may be in the query. */
export const BY_QUERY = { queryToken: true }

export function open(method: Method, path: string, handle: Route['answer']): Route {
  return { method, path, access: 'open', answer: handle }
}

export function signed(
  method: Method,
  path: string,
  signature: Signature,
  handle: (call: Call) => Promise<Response>,
): Route {
  return {
    method,
    path,
    access: 'signed',
    signature,
    answer: async (exchange, params) => handle(callOf(exchange, params)),
  }
}

export function scoped(
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
    ...options,
    answer: async (exchange, params) => {
      const call = callOf(exchange, params)
      const caller = await authorize(call.request, call.url, call.settings, scope, options)
      exchange.notes.by = caller.subject
      await requireRate(call.env, caller)
      return handle({ ...call, caller })
    },
  }
}

/** @throws Problem 503 when the deployment is not set up */
function callOf(exchange: Exchange, params: Call['params']): Call {
  if (!exchange.settings.ok) throw notConfigured(exchange.settings.missing)
  return { ...exchange, settings: exchange.settings.settings, params }
}

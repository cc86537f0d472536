/** Sends one HTTP request, with its bearer token, time limit, typed errors and safe repeats. */
import type { Authority } from './authority.ts'
import { ExportalConnectionError, ExportalError, problemOf } from './errors.ts'
import { backoff, sleep, type Timings, timingsOf, within } from './time.ts'

export type FetchLike = (url: string, init?: RequestInit) => Promise<Response>
/** The constructor of browsers: the token is offered as a subprotocol, so that no URL contains it. */
export type WebSocketLike = new (url: string, protocols?: string[]) => object
/**
 * A function is called before every request and every connection, so that short-lived tokens can be renewed. When it
 * rejects, or takes longer than a request may, the request fails without an answer; an ExportalError that it throws is
 * passed on. White space around a token, such as a file's last line break, is removed.
 */
export type TokenSource = string | (() => string | Promise<string>)

export interface ExportsOptions {
  /** Origin of the service, with the path it is mounted at, if any. May be relative where there is a `location`. */
  baseUrl: string
  token?: TokenSource | undefined
  fetch?: FetchLike | undefined
  /** For Node 20, which has no WebSocket: the one of `ws`. Without any, `watch` polls. */
  WebSocket?: WebSocketLike | undefined
  /** Infinity disables a limit. */
  timings?: Partial<Timings> | undefined
}

/** Null is left out as undefined is: `next_cursor` of the last page, for example. */
type QueryValue = string | number | boolean | null | undefined
export type Query = Record<string, QueryValue | readonly QueryValue[]>

export interface RepeatPolicy {
  signal?: AbortSignal | undefined
  /** 1 disables repeats. */
  tries?: number
  /** Called before a repeat: from then on the request may have been carried out already. */
  onRepeat?: () => void
}

export interface ApiRequest extends RepeatPolicy {
  method?: string
  /** A path of this service, or a complete URL from it, which contains its own authorization and is sent no token. */
  path: string
  /** Replaces method and path in messages: a signed URL is a secret. */
  what?: string
  query?: Query
  body?: unknown
  headers?: Record<string, string>
  /** How long the server was asked to hold the answer. */
  holdMs?: number
  /** A status above 299 whose body is an answer unless it is a problem. */
  also?: number
  /** Members of which the body has at least one. Any object or list without it. */
  has?: readonly string[]
}

export interface RawAnswer {
  status: number
  headers: Headers
  text: string
}

export interface ApiAnswer extends RawAnswer {
  body: unknown
}

export interface SocketAddress {
  url: string
  protocols: string[]
}

export class Transport {
  readonly timings: Timings
  readonly WebSocket: WebSocketLike | undefined
  readonly fetch: FetchLike
  readonly #base: string
  readonly #token: TokenSource | undefined

  /** @throws TypeError when baseUrl is not http or https, or a timing is not a number of at least 0 */
  constructor(options: ExportsOptions) {
    this.timings = timingsOf(options.timings)
    this.WebSocket = options.WebSocket ?? globalThis.WebSocket
    // Wrapped in a closure: browsers refuse a fetch that is detached from its window.
    this.fetch = options.fetch ?? ((url, init) => fetch(url, init))
    this.#base = baseOf(options.baseUrl)
    this.#token = options.token
  }

  /** Determines what a client may access: the service, and the token or its function. */
  get authority(): Authority {
    return { base: this.#base, token: this.#token }
  }

  /** Whether a refused token may be replaced by a new one. */
  get renews(): boolean {
    return typeof this.#token === 'function'
  }

  /**
   * The current token; undefined without one.
   *
   * @throws ExportalConnectionError when its function rejects or does not answer in time
   * @throws TypeError when the value cannot be sent as a token, so that it is not taken for a refused one
   */
  async token(signal?: AbortSignal): Promise<string | undefined> {
    const source = this.#token
    if (typeof source !== 'function') return tokenOf(source)
    let given: unknown
    try {
      given = await within(this.timings.requestTimeoutMs, signal, async () => source())
    } catch (cause) {
      signal?.throwIfAborted()
      if (cause instanceof ExportalError) throw cause
      throw new ExportalConnectionError('The token function gave no token', { cause })
    }
    return tokenOf(given)
  }

  url(path: string, query: Query = {}): URL {
    const url = new URL(this.absolute(path))
    for (const [name, values] of Object.entries(query)) {
      for (const value of [values].flat()) {
        if (value != null) url.searchParams.append(name, String(value))
      }
    }
    return url
  }

  absolute(pathOrUrl: string): string {
    return pathOrUrl.startsWith('/') ? this.#base + pathOrUrl : pathOrUrl
  }

  /**
   * The URL and subprotocols of a socket. Browsers cannot set headers on sockets: the token is offered as a
   * subprotocol, and is in the query only when it has characters that a subprotocol may not have (RFC 9110, 5.6.2).
   */
  socketTo(path: string, query: Query, token: string | undefined): SocketAddress {
    const fits = token === undefined || /^[\w!#$%&'*+.^`|~-]+$/.test(token)
    const url = this.url(path, fits ? query : { ...query, token })
    url.protocol = url.protocol.replace('http', 'ws')
    return { url: url.href, protocols: token && fits ? ['exportal.v1', `exportal.bearer.${token}`] : [] }
  }

  /**
   * Sends a request, and repeats it while the service is temporarily unavailable or the connection fails. Only for
   * requests that may be repeated.
   */
  send(request: ApiRequest): Promise<ApiAnswer> {
    return this.repeat(() => this.#once(request), request)
  }

  async repeat<T>(attempt: (tried: number) => Promise<T>, policy: RepeatPolicy): Promise<T> {
    const { tries = 4, signal, onRepeat } = policy
    for (let tried = 1; ; tried++) {
      try {
        return await attempt(tried)
      } catch (error) {
        const pauseMs = tried < tries ? this.pauseAfter(error, tried) : null
        if (pauseMs === null) throw error
        await sleep(pauseMs, signal)
        onRepeat?.()
      }
    }
  }

  /** How long to wait before the request is repeated; null when that cannot help, or would take too long. */
  pauseAfter(error: unknown, tried: number, limitMs = this.timings.maxRetryAfterMs): number | null {
    const pauseMs = backoff(this.timings.retryBaseMs, tried)
    if (error instanceof ExportalConnectionError) return pauseMs
    if (!(error instanceof ExportalError)) return null
    const { status, retryAfterMs } = error
    // 409 with Retry-After: another request with the same key is in progress, or its previous job is being deleted.
    // 408 and 425 are answers of proxies, to a slow request and to one that came too early.
    const passing =
      [408, 425, 429].includes(status) || status >= 500 || (status === 409 && retryAfterMs !== undefined)
    if (!passing || (retryAfterMs ?? 0) > limitMs) return null
    return Math.max(pauseMs, retryAfterMs ?? 0)
  }

  /** Turns a failed connection, and every answer except success, into a typed error. */
  async exchange(
    what: string,
    send: () => Promise<RawAnswer>,
    signal?: AbortSignal,
    also = 304,
  ): Promise<RawAnswer> {
    let answer: RawAnswer
    try {
      answer = await send()
    } catch (cause) {
      signal?.throwIfAborted()
      throw new ExportalConnectionError(`${what} got no answer`, { cause })
    }
    const { status, headers, text } = answer
    const good = status >= 200 && status < 300
    if (good || (status === also && !headers.get('content-type')?.includes('problem'))) return answer
    throw problemOf(status, headers, text)
  }

  async #once(request: ApiRequest): Promise<ApiAnswer> {
    const { path, method = 'GET', body, signal, holdMs = 0, what = `${method} ${path}` } = request
    const { href } = this.url(path, request.query)
    const token = path.startsWith('/') ? await this.token(signal) : undefined
    const headers = new Headers({ accept: 'application/json', ...request.headers })
    if (token) headers.set('authorization', `Bearer ${token}`)
    if (body !== undefined) headers.set('content-type', 'application/json')
    // Created before sending, so that an invalid request throws, and is not repeated as a lost answer.
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
    const send = () =>
      within(this.timings.requestTimeoutMs + holdMs, signal, async (limit) => {
        const response = await this.fetch(href, { ...init, signal: limit })
        // Read here, so that an answer that breaks off counts as none.
        return { status: response.status, headers: response.headers, text: await response.text() }
      })
    const answer = await this.exchange(what, send, signal, request.also)
    if (answer.status === 304 && headers.has('if-none-match')) return { ...answer, body: null }
    const given = parsed(answer.text)
    // A portal, a proxy or a redirect may have answered in place of the service, whatever the status.
    const isObject = typeof given === 'object' && given !== null
    if (isObject && (request.has?.some((name) => name in given) ?? true)) return { ...answer, body: given }
    throw new ExportalConnectionError(
      `${what} was not answered in JSON${given === undefined ? '' : ' of the service'}`,
    )
  }
}

/** Undefined when the text is not JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function baseOf(given: string): string {
  const text = given?.trim() || '/'
  const here = globalThis.location?.href
  const url = URL.canParse(text, here) ? new URL(text, here) : null
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new TypeError(`baseUrl must be a URL that begins with http:// or https://, and is "${text}"`)
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '')
}

function tokenOf(given: unknown): string | undefined {
  const text = typeof given === 'string' ? given.trim() : (given ?? '')
  if (text === '') return undefined
  if (typeof text === 'string' && /^[!-~]+$/.test(text)) return text
  throw new TypeError(
    'The token must be text of visible ASCII characters, without spaces or line breaks in it',
  )
}

/** One HTTP request, with its bearer token, its time limit, its typed errors and its safe repeats. */
import type { Authority } from './authority.ts'
import { ExportalConnectionError, ExportalError, problemOf } from './errors.ts'
import { backoff, sleep, type Timings, timingsOf, within } from './time.ts'

export type FetchLike = (url: string, init?: RequestInit) => Promise<Response>
export type WebSocketLike = new (url: string) => object
/**
 * A function is asked before every request and every dial, so that a short-lived token can be renewed. One that rejects,
 * or takes longer than a request may, counts as a request that got no answer; an ExportalError of it counts as itself.
 * White space around a token, as of a file's last line, is taken away.
 */
export type TokenSource = string | (() => string | Promise<string>)

export interface ExportsOptions {
  /** Origin of the service, and the path it is mounted at, if any. Where there is a `location` it may be relative. */
  baseUrl: string
  token?: TokenSource | undefined
  fetch?: FetchLike | undefined
  /** For Node 20, which has none of its own: `ws`. Without any, `watch` polls. */
  WebSocket?: WebSocketLike | undefined
  /** Infinity is no limit. */
  timings?: Partial<Timings> | undefined
}

export type Query = Record<string, string | number | boolean | undefined>

export interface RepeatPolicy {
  signal?: AbortSignal | undefined
  /** 1: no repeats. */
  tries?: number
  /** Told before a repeat: from then on the request may have been carried out already. */
  onRepeat?: () => void
}

export interface ApiRequest extends RepeatPolicy {
  method?: string
  /** Of this service; or a whole URL that it gave out, which carries its own authority and is sent no token. */
  path: string
  /** For messages, instead of method and path: a URL that was given out is a secret. */
  what?: string
  query?: Query
  body?: unknown
  headers?: Record<string, string>
  /** Time the server was asked to hold the answer. */
  holdMs?: number
  /** A status above 299 whose body is an answer, unless it is a problem. */
  also?: number
}

export interface RawAnswer {
  status: number
  headers: Headers
  text: string
}

export interface ApiAnswer extends RawAnswer {
  body: unknown
}

export class Transport {
  readonly timings: Timings
  readonly WebSocket: WebSocketLike | undefined
  readonly fetch: FetchLike
  readonly #base: string
  readonly #token: TokenSource | undefined

  /** @throws TypeError for a baseUrl that is none of http or https, and for timings that are no numbers of 0 or more */
  constructor(options: ExportsOptions) {
    this.timings = timingsOf(options.timings)
    this.WebSocket = options.WebSocket ?? globalThis.WebSocket
    // Called through a closure: browsers refuse a fetch that was detached from its window.
    this.fetch = options.fetch ?? ((url, init) => fetch(url, init))
    this.#base = baseOf(options.baseUrl)
    this.#token = options.token
  }

  /** What a client may see depends on these alone: the service, and the token or the function that gives it. */
  get authority(): Authority {
    return { base: this.#base, token: this.#token }
  }

  /** True where a refused token may be followed by a fresh one. */
  get renews(): boolean {
    return typeof this.#token === 'function'
  }

  /**
   * The token of this moment, undefined where there is none.
   *
   * @throws ExportalConnectionError when its function rejects or does not answer in time
   * @throws TypeError for what cannot be sent as a token, so that it is not taken for one that was refused
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
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value))
    }
    return url
  }

  absolute(pathOrUrl: string): string {
    return pathOrUrl.startsWith('/') ? this.#base + pathOrUrl : pathOrUrl
  }

  /** A browser cannot give a socket headers, so the token travels in the query. */
  socketUrl(path: string, query: Query): string {
    const url = this.url(path, query)
    url.protocol = url.protocol.replace('http', 'ws')
    return url.href
  }

  /** Sends, and repeats while the service says "not now" or the line breaks. Only for what is safe to repeat. */
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

  /** How long to wait before the same may be tried again; null when that is of no use, or would take too long. */
  pauseAfter(error: unknown, tried: number, limitMs = this.timings.maxRetryAfterMs): number | null {
    const pauseMs = backoff(this.timings.retryBaseMs, tried)
    if (error instanceof ExportalConnectionError) return pauseMs
    if (!(error instanceof ExportalError)) return null
    const { status, retryAfterMs } = error
    // 409 with a Retry-After: the same key is being worked on, or its last job is just being deleted.
    const passing = status === 429 || status >= 500 || (status === 409 && retryAfterMs !== undefined)
    if (!passing || (retryAfterMs ?? 0) > limitMs) return null
    return Math.max(pauseMs, retryAfterMs ?? 0)
  }

  /** Makes a broken line, and any answer but a good one, a typed error. */
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
    // Made before it is sent: what cannot be sent at all is no lost answer, and is not tried again.
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
    const send = () =>
      within(this.timings.requestTimeoutMs + holdMs, signal, async (limit) => {
        const response = await this.fetch(href, { ...init, signal: limit })
        // Read here: an answer that breaks off half-way is no answer.
        return { status: response.status, headers: response.headers, text: await response.text() }
      })
    const answer = await this.exchange(what, send, signal, request.also)
    try {
      return { ...answer, body: answer.text === '' ? null : JSON.parse(answer.text) }
    } catch {
      throw new ExportalConnectionError(`${what} was not answered in JSON`)
    }
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

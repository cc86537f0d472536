/**
 * Holds the token of these pages, never in a URL. A token that was typed in is stored in the tab's session storage; one
 * from Cloudflare Access is kept in memory; one from a shared link opens its job alone. A token in the page's address
 * is removed from it before anything else.
 */
import { type ApiRequest, Transport } from '../../../client/http.ts'
import { pageAt } from '../pages.ts'

/** A token that was typed in, or taken from an address of an earlier version. */
const TYPED = 'exportal:token'
/** The token of a shared link. */
const SHARED = 'exportal:shared-token'
/** Set when this tab has signed in by Cloudflare Access, so that it does so again after a reload. */
const BY_ACCESS = 'exportal:access'
/** A token that expires sooner is renewed first. */
const RENEW_MS = 60_000
/** Lifetime of the token in URLs of pictures and videos. */
const VIEW_SECONDS = 900
/** A token for URLs is requested at most this often after a refusal. */
const REFUSED_MS = 30_000
/** A sign-in is still reported as recent for this long, to parts of a page that were refused before it. */
const JUST_MS = 5_000

interface Held {
  readonly token: string
  /** Expiry in milliseconds. */
  readonly until: number
}

let session: (Held & { readonly since: number }) | null = null
/** `renewAt`: after half of its lifetime. */
let view: (Held & { readonly project: number; readonly renewAt: number }) | null = null
let renewing: { readonly project: number; readonly done: Promise<void> } | null = null
/** Until then no token for URLs is requested, after one was refused. */
let refusedUntil = 0
let signingIn: Promise<boolean> | null = null

const bare = new Transport({ baseUrl: '' })

/** Fallback when storage is full or forbidden: tokens then live as long as the page. */
const memory = new Map<string, string>()

function kept(name: string): string | null {
  try {
    return sessionStorage.getItem(name) ?? memory.get(name) ?? null
  } catch {
    return memory.get(name) ?? null
  }
}

function keep(name: string, value: string | null): void {
  if (value === null) memory.delete(name)
  else memory.set(name, value)
  try {
    if (value === null) sessionStorage.removeItem(name)
    else sessionStorage.setItem(name, value)
  } catch {
    // The token is kept in memory.
  }
}

/**
 * Removes the token from the address: that of a shared link, in the fragment, or of a bookmark of an earlier version.
 */
function takeFromAddress(): void {
  const url = new URL(location.href)
  const shared = new URLSearchParams(url.hash.slice(1)).get('token')
  const bookmarked = url.searchParams.get('token')
  if (shared === null && bookmarked === null) return
  if (shared !== null) url.hash = ''
  url.searchParams.delete('token')
  history.replaceState(null, '', url)
  const token = shared ?? bookmarked
  if (token) keep(typeof claimsOf(token).job_id === 'string' ? SHARED : TYPED, token)
}

takeFromAddress()

/** The current token, if there is one; an operator's own takes precedence over that of a link. */
function heldToken(): string | null {
  if (session && session.until > Date.now()) return session.token
  const typed = kept(TYPED)
  if (typed) return typed
  const shared = kept(SHARED)
  const page = shared && pageAt(location.pathname)
  return page && 'id' in page && page.id === claimsOf(shared).job_id ? shared : null
}

/** Called by the client before each request and each connection; empty without a token. */
export async function currentToken(): Promise<string> {
  const isShort = session !== null && session.until - Date.now() < RENEW_MS
  if (isShort || (session === null && kept(BY_ACCESS) !== null)) await signInByAccess()
  return heldToken() ?? ''
}

/** Exchanges the assertion of Cloudflare Access for a token; false without Access, or when it is refused. */
export function signInByAccess(): Promise<boolean> {
  if (session && Date.now() - session.since < JUST_MS) return Promise.resolve(true)
  signingIn ??= trade().finally(() => {
    signingIn = null
  })
  return signingIn
}

async function trade(): Promise<boolean> {
  try {
    const held = heldOf(await answerTo(bare, { method: 'POST', path: '/api/admin/session' }))
    session = { ...held, since: Date.now() }
    keep(BY_ACCESS, '1')
    return true
  } catch {
    // Without Access, or when it did not let the request through: its own page appears with the next visit.
    session = null
    keep(BY_ACCESS, null)
    return false
  }
}

/** Sets a token that was typed in; an empty text removes it. */
export function signIn(token: string): void {
  keep(TYPED, token || null)
  view = null
  refusedUntil = 0
}

/** Runs before the first page is rendered: URLs of pictures need their token by then. */
export async function begin(project: () => number): Promise<void> {
  const token = await currentToken()
  if (token) await renewView(token, project())
}

/** One request at a time: every picture of a list asks for the token. */
function renewView(token: string, project: number): Promise<void> {
  if (renewing?.project !== project) {
    const done = issueView(token, project).finally(() => {
      if (renewing?.done === done) renewing = null
    })
    renewing = { project, done }
  }
  return renewing.done
}

async function issueView(token: string, project: number): Promise<void> {
  try {
    const own = new Transport({ baseUrl: '', token })
    const body = { scope: 'jobs:read', project_id: project, ttl_seconds: VIEW_SECONDS }
    const held = heldOf(await answerTo(own, { method: 'POST', path: '/api/tokens', body }))
    view = { ...held, project, renewAt: (Date.now() + held.until) / 2 }
  } catch {
    // The token of this visit may not issue any, or the service does not answer.
    refusedUntil = Date.now() + REFUSED_MS
  }
}

function isViewDue(project: number): boolean {
  const now = Date.now()
  return now >= refusedUntil && (view?.project !== project || now >= view.renewAt)
}

/** The token for URLs of pictures and videos: it only reads from this project. */
export function viewToken(project: number): string | null {
  const token = heldToken()
  if (!token) return null
  if (isViewDue(project)) void renewView(token, project)
  return view?.project === project && view.until > Date.now() ? view.token : null
}

/** Resolves when `viewToken` is current, or cannot be had. */
export async function viewIsCurrent(project: number): Promise<void> {
  const token = await currentToken()
  if (token && (isViewDue(project) || renewing)) await renewView(token, project)
}

/** The claims of the token, which only the service can verify. */
export function claims(): Record<string, unknown> {
  return claimsOf(heldToken())
}

/** The token if it is confined to reading this job; null for a broader one, which is never passed on. */
export function tokenOfLink(jobId: string): string | null {
  const { job_id: job, scope } = claims()
  return job === jobId && scope === 'jobs:read' ? heldToken() : null
}

function claimsOf(text: string | null): Record<string, unknown> {
  try {
    const part = text?.split('.')[1]?.replaceAll('-', '+').replaceAll('_', '/') ?? ''
    const said: unknown = JSON.parse(atob(part))
    return typeof said === 'object' && said !== null ? { ...said } : {}
  } catch {
    return {}
  }
}

interface Issued {
  token: string
  expires_at: string
}

/** By its lifetime, since the clock of this computer may differ from the service's. */
function heldOf({ token, expires_at }: Issued): Held {
  const { iat, exp } = claimsOf(token)
  const isKnown = typeof iat === 'number' && typeof exp === 'number'
  return { token, until: isKnown ? Date.now() + (exp - iat) * 1000 : Date.parse(expires_at) }
}

async function answerTo(http: Transport, request: ApiRequest): Promise<Issued> {
  return (await http.send({ ...request, tries: 1 })).body as Issued
}

/**
 * Checks whether a deployment is served at its address: `wrangler deploy` ends when Cloudflare has accepted the
 * version, before a new domain has its certificate, and before every location has the version.
 */

export interface Outside {
  fetch(url: string): Promise<Response>
  /** Resolves after `PAUSE_MS`. */
  pause(): Promise<void>
  now(): number
}

/** Why the version is not served, and the remedy. */
export class NotServed extends Error {
  readonly remedy: string

  constructor(why: string, remedy: string) {
    super(why)
    this.remedy = remedy
  }
}

const PATIENCE_MS = 60_000
/** Pause between two requests. */
export const PAUSE_MS = 2_000

/** Requests `/health` until that version answers. @throws NotServed with the last answer after a minute */
export async function untilServed(outside: Outside, url: string, version: string): Promise<void> {
  const until = outside.now() + PATIENCE_MS
  for (;;) {
    const fault = faultOf(url, version, await answerOf(outside, `${url}/health`))
    if (!fault) return
    if (outside.now() >= until) throw fault
    await outside.pause()
  }
}

/** Checks that settings and secrets are valid, which only the running Worker can do. @throws NotServed */
export async function acceptsItsSettings(outside: Outside, url: string): Promise<void> {
  const { status, body } = await answerOf(outside, `${url}/api/job-types`)
  if (status !== 503 || textOf(body, 'code') !== 'not_configured') return
  throw new NotServed(
    `The new version refuses to serve. ${textOf(body, 'detail')}`,
    'Set what it names, by `npx wrangler secret put` if it is a secret (openssl rand -base64 48 makes a good one).',
  )
}

interface Answer {
  /** Null when there was no answer. */
  status: number | null
  body: unknown
}

function faultOf(url: string, version: string, { status, body }: Answer): NotServed | null {
  const { host } = new URL(url)
  if (status === null) {
    return new NotServed(
      `${host} does not answer yet: its name or its certificate is not there.`,
      'A new domain can take some minutes, and its zone must be active on this account.',
    )
  }
  const answered = textOf(body, 'version')
  if (status !== 200 || answered === '') {
    return new NotServed(
      `Something else answers at ${host}: ${status}, and not this service.`,
      'Look for another Worker, a route, or an Access policy on /health at that address.',
    )
  }
  return answered === version
    ? null
    : new NotServed(
        `An older version still answers at ${host}: ${answered} and not ${version}.`,
        'See what is in service with `npx wrangler deployments status`.',
      )
}

async function answerOf({ fetch }: Outside, url: string): Promise<Answer> {
  try {
    const response = await fetch(url)
    const text = await response.text()
    return { status: response.status, body: jsonOf(text) }
  } catch {
    return { status: null, body: null }
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function textOf(body: unknown, name: string): string {
  const value = typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[name] : null
  return typeof value === 'string' ? value : ''
}

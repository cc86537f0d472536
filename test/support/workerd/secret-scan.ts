/**
 * Every line that the service writes to the console in the whole run is kept, and searched after each test: for the
 * secrets of the tests, for what their requests carried, and for anything that has the form of a secret. The forms are
 * written down apart from those that the service takes out of its lines.
 */
import { env } from 'cloudflare:workers'
import { DEVELOPMENT_SECRET, DEVELOPMENT_WEBHOOK_SECRET } from '../../../actors/secrets.ts'

const FORMS: readonly RegExp[] = [
  // A JWT or an upload token: base64url of JSON, and a signature.
  /eyJ[\w-]{6,}\.[\w-]{6,}/,
  // A signature or token in a query.
  /[?&](?:\w*sig|\w*token|X-Amz-\w+)=[\w%.-]{6,}/i,
  /\b(?:bearer|basic)\s+[\w.~+/=-]{6,}/i,
  // An HMAC-SHA256 in base64url, base64 or hexadecimal; a job's id is shorter.
  /(?<![\w-])[\w-]{43}(?![\w-])/,
  /\bv1,[A-Za-z0-9+/]{43}=/,
  /\b[0-9a-f]{64}\b/i,
  /whsec_[A-Za-z0-9+/]{8,}/,
]

/** Shorter ones stand in harmless words as well. */
const LEAST_CHARACTERS = 8

const lines: string[] = []
const secrets = new Set<string>()

/** From now on a line that holds this is a leak. */
export function secret(...values: (string | null | undefined)[]): void {
  for (const value of values) if (value && value.length >= LEAST_CHARACTERS) secrets.add(value)
}

secret(DEVELOPMENT_SECRET, DEVELOPMENT_WEBHOOK_SECRET, env.RUNPOD_API_KEY)

/** Keeps what the console was given; for tests that put a console of their own in its place. */
export function written(...parts: unknown[]): void {
  lines.push(parts.map(String).join(' '))
}

/** Whatever a request opens a door with. */
export function secretsOf({ headers, url }: Request): void {
  secret(headers.get('Authorization')?.replace(/^\w+ +/, ''))
  const { pathname, searchParams } = new URL(url)
  for (const [name, value] of searchParams) if (/sig|token/i.test(name)) secret(value)
  secret(/^\/api\/uploads\/([^/]{20,})\/s3\//.exec(pathname)?.[1])
}

/** The lines since the last call that hold a secret, and how many there were. */
export function search(): { leaks: string[]; lines: string[] } {
  const all = lines.splice(0)
  const holds = (line: string) =>
    FORMS.some((form) => form.test(line)) || [...secrets].some((each) => line.includes(each))
  return { leaks: all.filter(holds), lines: all }
}

/** The service's own lines stay out of the output of the tests, but for its bugs. */
export function watchConsole(): void {
  for (const name of ['debug', 'log', 'info', 'warn', 'error'] as const) {
    const print = console[name].bind(console)
    console[name] = (...parts: unknown[]) => {
      written(...parts)
      const own = /^\{"at":"(?!bug")/.test(String(parts[0]))
      if (!own) print(...parts)
    }
  }
}

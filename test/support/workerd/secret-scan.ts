/**
 * Records every line that the service writes to the console in the whole run, and searches it after each test: for the
 * secrets of the tests, for those in their requests, and for anything in the form of a secret. The forms are defined
 * independently of those that the service redacts.
 */
import { env } from 'cloudflare:workers'
import { DEVELOPMENT_SECRET, DEVELOPMENT_WEBHOOK_SECRET } from '../../../actors/shared/secrets.ts'

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

/** Shorter secrets would also match parts of harmless words. */
const LEAST_CHARACTERS = 8

const lines: string[] = []
const secrets = new Set<string>()

/** From now on a line that contains one of these values is a leak. */
export function secret(...values: (string | null | undefined)[]): void {
  for (const value of values) if (value && value.length >= LEAST_CHARACTERS) secrets.add(value)
}

secret(DEVELOPMENT_SECRET, DEVELOPMENT_WEBHOOK_SECRET, env.RUNPOD_API_KEY)

/** Records console output; for tests that replace the console. */
export function written(...parts: unknown[]): void {
  lines.push(parts.map(String).join(' '))
}

/** Registers the credentials in a request. */
export function secretsOf({ headers, url }: Request): void {
  secret(headers.get('Authorization')?.replace(/^\w+ +/, ''))
  const { pathname, searchParams } = new URL(url)
  for (const [name, value] of searchParams) if (/sig|token/i.test(name)) secret(value)
  secret(/^\/api\/uploads\/([^/]{20,})\/s3\//.exec(pathname)?.[1])
}

/** The lines since the last call that contain a secret, and all lines. */
export function search(): { leaks: string[]; lines: string[] } {
  const all = lines.splice(0)
  const holds = (line: string) =>
    FORMS.some((form) => form.test(line)) || [...secrets].some((each) => line.includes(each))
  return { leaks: all.filter(holds), lines: all }
}

/** Keeps the service's own lines out of the output of the tests, except for bugs. */
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

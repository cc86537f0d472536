/**
 * Removes secrets from texts that leave the service, such as log lines and files for bug reports, and from foreign
 * texts before they enter a job, whose error, log and webhooks have other readers. A text is redacted before it is cut,
 * because a cut token no longer has a recognisable form.
 */
import type { Json } from '../../wire/json.ts'
import { cutText } from '../export-job/core/text.ts'

/** Forms of everything that grants access. An error may quote the URL, or the request, that caused it. */
const OPENERS: readonly [form: RegExp, instead: string][] = [
  // Also percent-encoded, as in a URL inside another one, and after an ampersand escaped for JSON.
  [/(sig|token|X-Amz-(?:Signature|Credential|Security-Token))(=|%3D)[^&\s"'\\<>]+/gi, '$1$2…'],
  [/(Bearer|Basic)( +|%20)[^\s"'\\]+/gi, '$1 …'],
  // The signing key of a webhook, and a RunPod API key.
  [/whsec_[A-Za-z0-9+/=]+/g, '…'],
  [/rpa_[A-Za-z0-9]{16,}/g, '…'],
  // A JWT, and an upload token, which is part of a path. The preceding character may be escaped, here and below.
  [/(?<=^|[^\w-]|\\[nrt]|%[\da-f]{2}|\\u[\da-f]{4})eyJ[\w-]+(?:\.[\w-]+)+/gi, '…'],
  // A callback token, even if it was cut when quoted.
  [/(?<!\d)\d{1,6}\.\d{1,6}\.\d{9,12}\.[\w-]+/g, '…'],
  // Any other HMAC-SHA256 as encoded by this service.
  [/(?<=^|[^\w-]|\\[nrt]|%[\da-f]{2}|\\u[\da-f]{4})[\w-]{43}(?![\w-])/gi, '…'],
]

/** Fast path: no secret is a single short word, as the most frequent text, a stage, is. */
const WORD = /^[A-Za-z]{0,40}$/

/** Of an error in the log. */
const MAX_ERROR_CHARACTERS = 4_000

/** Shorter secrets would also match parts of ordinary words. */
const LEAST_CHARACTERS = 8

/**
 * `text` without signatures, tokens and keys.
 *
 * @param known secrets that are removed whatever their form
 */
export function withoutSecrets(text: string, known: readonly string[] = []): string {
  const rest = known
    .filter((secret) => secret.length >= LEAST_CHARACTERS)
    .reduce((left, secret) => left.replaceAll(secret, '…'), text)
  if (WORD.test(rest)) return rest
  return OPENERS.reduce((left, [form, instead]) => left.replace(form, instead), rest)
}

/** `text` without signatures and tokens, and cut to the maximum length. */
export function redacted(text: string): string {
  return cutText(withoutSecrets(text), MAX_ERROR_CHARACTERS, '…')
}

/** Names of fields that contain secrets. */
const SECRET_NAME = /secret|password|passwd|token|authorization|api[-_]?key|credential|signature/i

/** Removes secrets from `value`: by form, by field name, and everything in a URL except origin and path. */
export function withoutSecretsIn(value: Json): Json {
  if (typeof value === 'string') return withoutSecrets(bareAddress(value))
  if (Array.isArray(value)) return value.map(withoutSecretsIn)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name,
      SECRET_NAME.test(name) && field !== null ? '…' : withoutSecretsIn(field),
    ]),
  )
}

/** A URL without user and query, since receivers of webhooks often put secrets in either. */
function bareAddress(text: string): string {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return text
  const url = new URL(text)
  return `${url.origin}${url.pathname}${url.search ? '?…' : ''}`
}

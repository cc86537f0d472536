/**
 * Secrets taken out of what leaves the service for other eyes, log lines and files for a bug report, and of foreign text
 * where it enters a job, whose error, log and webhooks have other readers. A text is redacted before it is cut: the rest
 * of a token that was cut has its form no more.
 */
import type { Json } from '../wire/json.ts'

/** Everything that opens something, by its form. An error may quote the address, or the request, that it was about. */
const OPENERS: readonly [form: RegExp, instead: string][] = [
  // Also percent-encoded, as an address inside another one is, and after an ampersand that JSON has escaped.
  [/(sig|token|X-Amz-(?:Signature|Credential|Security-Token))(=|%3D)[^&\s"'\\<>]+/gi, '$1$2…'],
  [/(Bearer|Basic)( +|%20)[^\s"'\\]+/gi, '$1 …'],
  // The signing key of a webhook, and a key of RunPod's.
  [/whsec_[A-Za-z0-9+/=]+/g, '…'],
  [/rpa_[A-Za-z0-9]{16,}/g, '…'],
  // A JWT, and an upload token, which travels in a path. What stands before it may be escaped, here and below.
  [/(?<=^|[^\w-]|\\[nrt]|%[\da-f]{2}|\\u[\da-f]{4})eyJ[\w-]+(?:\.[\w-]+)+/gi, '…'],
  // A callback token, also where whoever quotes it has cut it.
  [/(?<!\d)\d{1,6}\.\d{1,6}\.\d{9,12}\.[\w-]+/g, '…'],
  // Any other HMAC-SHA256 as this service writes it.
  [/(?<=^|[^\w-]|\\[nrt]|%[\da-f]{2}|\\u[\da-f]{4})[\w-]{43}(?![\w-])/gi, '…'],
]

/** Shorter ones stand in ordinary words as well. */
const LEAST_CHARACTERS = 8

/**
 * `text` without signatures, tokens and keys.
 *
 * @param known secrets that are taken out whatever their form
 */
export function withoutSecrets(text: string, known: readonly string[] = []): string {
  const rest = known
    .filter((secret) => secret.length >= LEAST_CHARACTERS)
    .reduce((left, secret) => left.replaceAll(secret, '…'), text)
  return OPENERS.reduce((left, [form, instead]) => left.replace(form, instead), rest)
}

/** Fields whose owner calls them secret. */
const SECRET_NAME = /secret|password|passwd|token|authorization|api[-_]?key|credential|signature/i

/** `value` without what opens something: by its form, by its name, and whatever stands in an address beside its path. */
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

/** An address keeps neither user nor query: receivers of webhooks are told apart by secrets in either. */
function bareAddress(text: string): string {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return text
  const url = new URL(text)
  return `${url.origin}${url.pathname}${url.search ? '?…' : ''}`
}

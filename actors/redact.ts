/** Secrets taken out of what leaves the service for other eyes: log lines, and files for a bug report. */
import type { Json } from '../actors/export-job/core/job.ts'

/** Everything that opens something, by its form. An error may quote the address, or the request, that it was about. */
const OPENERS: readonly [form: RegExp, instead: string][] = [
  [/\b(sig|token|callback_token|X-Amz-(?:Signature|Credential|Security-Token))=[^&\s"'\\]+/gi, '$1=…'],
  [/\b(Bearer|Basic) +[^\s"'\\]+/gi, '$1 …'],
  // The signing key of a webhook.
  [/\bwhsec_[A-Za-z0-9+/=]+/g, '…'],
  // A JWT, and an upload token, which travels in a path.
  [/\beyJ[\w-]+(?:\.[\w-]+)+/g, '…'],
  // Any other HMAC-SHA256 as this service writes it, a callback token's for one.
  [/(?<![\w-])(?:\d+\.){0,3}[\w-]{43}(?![\w-])/g, '…'],
]

/** `text` without signatures, tokens and keys. */
export function withoutSecrets(text: string): string {
  return OPENERS.reduce((rest, [form, instead]) => rest.replace(form, instead), text)
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

/**
 * What makes a secret of the deployment good enough: one check for all of them, current and previous, of tokens and of
 * webhooks. A secret that everybody knows, or can guess, opens every door that it closes.
 */

/** Shorter secrets can be guessed; 32 characters of base64 carry 192 bits. */
const LEAST_LENGTH = 32
/** 32 random hexadecimal digits have fewer different ones once in a hundred thousand times. */
const LEAST_DIFFERENT = 8

/** Signs tokens and addresses on a developer's own computer only; refused everywhere else. */
export const DEVELOPMENT_SECRET = 'exportal-development-secret-not-for-production'
/** Signs webhooks on a developer's own computer only; refused everywhere else. */
export const DEVELOPMENT_WEBHOOK_SECRET = 'whsec_ZXhwb3J0YWwtZGV2ZWxvcG1lbnQtd2ViaG9vaw=='

const KNOWN = new Set([
  DEVELOPMENT_SECRET,
  DEVELOPMENT_WEBHOOK_SECRET,
  // The example of the Standard Webhooks specification.
  'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
])

/** How examples and templates fill the place of a secret. */
const PLACEHOLDER =
  /change[-_ ]?(?:me|this|it)|replace[-_ ]?(?:me|this|with)|place[-_ ]?holder|your[-_ ]?(?:own[-_ ]?)?(?:auth[-_ ]?|webhook[-_ ]?)?secret|example|default[-_ ]?secret/i

/** Every setting that this check is for. */
export const SECRET_NAMES = [
  'AUTH_SECRET',
  'AUTH_SECRET_PREVIOUS',
  'WEBHOOK_SECRET',
  'WEBHOOK_SECRET_PREVIOUS',
] as const
export type SecretName = (typeof SECRET_NAMES)[number]

/**
 * Why `text` may not be this secret, as a sentence without its value; null when it may.
 *
 * @param development on a developer's own computer a secret may be known, though neither short nor of another form
 */
export function secretFault(name: SecretName, text: string, development: boolean): string | null {
  if (name.startsWith('WEBHOOK') && !isWebhookForm(text)) {
    return 'It must be whsec_ and 24 to 64 bytes of base64: echo "whsec_$(openssl rand -base64 32)"'
  }
  if (text.length < LEAST_LENGTH) return `It has ${text.length} characters; ${LEAST_LENGTH} are the least.`
  if (development) return null
  if (KNOWN.has(text) || PLACEHOLDER.test(plainOf(text)) || PLACEHOLDER.test(text)) {
    return 'It is a secret that everybody knows: make one with openssl rand -base64 48.'
  }
  return isDull(plainOf(text)) ? 'It repeats itself: make a random one with openssl rand -base64 48.' : null
}

/** The Standard Webhooks form: `whsec_` and 24 to 64 bytes of base64. */
function isWebhookForm(text: string): boolean {
  return /^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/.test(text)
}

/** The bytes of a webhook's secret as characters; of any other secret the text itself. */
function plainOf(text: string): string {
  try {
    return text.startsWith('whsec_') ? atob(text.slice('whsec_'.length)) : text
  } catch {
    return text
  }
}

/** Few different characters, or the same ones over and over. */
function isDull(text: string): boolean {
  if (new Set(text).size < LEAST_DIFFERENT) return true
  const periods = Array.from({ length: Math.floor(text.length / 2) }, (_, index) => index + 1)
  return periods.some((period) => text.startsWith(text.slice(period)))
}

/**
 * Validates the secrets of the deployment: one check for all, current and previous, of tokens and of webhooks. A
 * well-known or guessable secret grants access to everything signed with it.
 */

/** Shorter secrets can be guessed; 32 characters of base64 carry 192 bits. */
const LEAST_LENGTH = 32
/** Fewer different characters occur in 32 random hexadecimal digits once in a hundred thousand times. */
const LEAST_DIFFERENT = 8

/** Signs tokens and URLs in development; refused in every other environment. */
export const DEVELOPMENT_SECRET = 'exportal-development-secret-not-for-production'
/** Signs webhooks in development; refused in every other environment. */
export const DEVELOPMENT_WEBHOOK_SECRET = 'whsec_ZXhwb3J0YWwtZGV2ZWxvcG1lbnQtd2ViaG9vaw=='

const KNOWN = new Set([
  DEVELOPMENT_SECRET,
  DEVELOPMENT_WEBHOOK_SECRET,
  // The example of the Standard Webhooks specification.
  'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
])

/** Common placeholders in examples and templates. */
const PLACEHOLDER =
  /change[-_ ]?(?:me|this|it)|replace[-_ ]?(?:me|this|with)|place[-_ ]?holder|your[-_ ]?(?:own[-_ ]?)?(?:auth[-_ ]?|webhook[-_ ]?)?secret|example|default[-_ ]?secret/i

/** The settings to which this check applies. */
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
 * @param development allows well-known secrets, though neither short nor malformed ones
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

/** The bytes of a webhook secret as characters; any other secret unchanged. */
function plainOf(text: string): string {
  try {
    return text.startsWith('whsec_') ? atob(text.slice('whsec_'.length)) : text
  } catch {
    return text
  }
}

/** Few different characters, or a repeated sequence. */
function isDull(text: string): boolean {
  if (new Set(text).size < LEAST_DIFFERENT) return true
  const periods = Array.from({ length: Math.floor(text.length / 2) }, (_, index) => index + 1)
  return periods.some((period) => text.startsWith(text.slice(period)))
}

/**
 * Verifies a webhook by the Standard Webhooks specification, with WebCrypto alone.
 *
 *   const event = await verifyWebhook({ payload: await request.text(), headers: request.headers, secret })
 *
 * The payload must be the body as received, text or bytes: parsing and serializing it changes the text.
 */

export type WebhookFault = 'missing_header' | 'bad_secret' | 'outside_tolerance' | 'no_match' | 'not_json'

/** The webhook is not authentic; respond with 400 or 401. */
export class WebhookVerificationError extends Error {
  override name = 'WebhookVerificationError'
  readonly code: WebhookFault

  constructor(code: WebhookFault, message: string) {
    super(message)
    this.code = code
  }
}

export interface VerifyWebhook {
  payload: string | ArrayBuffer | ArrayBufferView
  /** Those of a Fetch request, of whatever implementation, or of Node's. */
  headers: { get(name: string): string | null } | Record<string, string | string[] | undefined>
  /**
   * `whsec_…`, surrounding white space is ignored; several while one is being replaced, of which those that are not set
   * are left out.
   */
  secret: string | readonly (string | undefined)[]
  /** Maximum difference from the sender's clock, in either direction. */
  toleranceSeconds?: number
  /** Milliseconds. */
  now?: number
}

/**
 * Resolves with the parsed payload, rejects with WebhookVerificationError. Deduplicate by the `webhook-id`.
 *
 * @throws TypeError for a payload that was parsed already
 */
export async function verifyWebhook(webhook: VerifyWebhook): Promise<unknown> {
  const { headers, secret, toleranceSeconds = 300, now = Date.now() } = webhook
  const payload = textOf(webhook.payload)
  const id = header(headers, 'webhook-id')
  const timestamp = header(headers, 'webhook-timestamp')
  const signatures = header(headers, 'webhook-signature')
  const sentAt = /^\d+$/.test(timestamp) ? Number(timestamp) : Number.NaN
  // Written so that NaN is refused.
  if (!(Math.abs(now / 1000 - sentAt) <= toleranceSeconds)) {
    throw new WebhookVerificationError('outside_tolerance', 'The webhook-timestamp is too old or too new')
  }

  const signed = new TextEncoder().encode(`${id}.${timestamp}.${payload}`)
  const candidates = signatures.split(' ').flatMap((entry) => {
    const [version, signature] = entry.split(',', 2)
    const bytes = version === 'v1' && signature ? bytesOf(signature) : null
    return bytes ? [bytes] : []
  })
  const given = [secret].flat().flatMap((each) => each?.trim() || [])
  if (given.length === 0)
    throw new WebhookVerificationError('bad_secret', 'There is no secret to verify with')
  for (const key of await Promise.all(given.map(keyOf))) {
    for (const candidate of candidates) {
      // WebCrypto compares in constant time.
      if (await crypto.subtle.verify('HMAC', key, candidate, signed)) return parsed(payload)
    }
  }
  throw new WebhookVerificationError('no_match', 'No signature of the webhook matches')
}

function header(headers: VerifyWebhook['headers'], name: string): string {
  const found =
    typeof headers.get === 'function'
      ? headers.get(name)
      : Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1]
  const value = Array.isArray(found) ? found.join(' ') : found
  if (!value) throw new WebhookVerificationError('missing_header', `The webhook has no ${name} header`)
  return value
}

/** Ill-formed bytes are replaced, and so do not match: what is sent is well-formed. */
function textOf(payload: VerifyWebhook['payload']): string {
  if (typeof payload === 'string') return payload
  if (payload instanceof ArrayBuffer || ArrayBuffer.isView(payload)) {
    return new TextDecoder('utf-8', { fatal: false, ignoreBOM: true }).decode(payload)
  }
  throw new TypeError('The payload must be the body as it was received, text or bytes, and not parsed')
}

function keyOf(secret: string): Promise<CryptoKey> {
  const bytes = bytesOf(secret.replace(/^whsec_/, ''))
  if (!bytes || bytes.length === 0) {
    throw new WebhookVerificationError('bad_secret', 'The secret is not whsec_ and base64')
  }
  return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify'])
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
  } catch {
    return null
  }
}

function parsed(payload: string): unknown {
  try {
    return JSON.parse(payload)
  } catch {
    throw new WebhookVerificationError('not_json', 'The payload is signed, but it is not JSON')
  }
}

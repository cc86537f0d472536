/**
 * Verifies AWS Signature Version 4 in a query, from the store's side and by the specification alone, without any of the
 * signing code. Uses Web Crypto, so that both Node and the Worker's runtime can act as the store.
 */

export interface Arrived {
  method: string
  /** Path and query, exactly as in the request line. */
  target: string
  /** By lower-case name, including `host`. */
  headers: Readonly<Record<string, string | string[] | undefined>>
}

/** S3's code for the fault; null when the signature covers the request, and has not expired. */
export async function signatureFault(
  { method, target, headers }: Arrived,
  secret: string,
  now: number,
): Promise<'SignatureDoesNotMatch' | 'AccessDenied' | null> {
  const [path = '', search = ''] = target.split('?')
  const pairs = search
    .split('&')
    .map((pair) => pair.split('=').map(decodeURIComponent))
    .map(([name = '', value = '']) => ({ name, value }))
  const query = new Map(pairs.map(({ name, value }) => [name, value]))
  const [, day = '', region = '', service = ''] = (query.get('X-Amz-Credential') ?? '').split('/')
  const names = (query.get('X-Amz-SignedHeaders') ?? '').split(';')
  const canonical = [
    method,
    path
      .split('/')
      .map((part) => strictly(decodeURIComponent(part)))
      .join('/'),
    pairs
      .filter(({ name }) => name !== 'X-Amz-Signature')
      .map(({ name, value }) => `${strictly(name)}=${strictly(value)}`)
      .sort()
      .join('&'),
    ...names.map((name) => `${name}:${String(headers[name] ?? '').trim()}`),
    '',
    names.join(';'),
    'UNSIGNED-PAYLOAD',
  ].join('\n')
  const date = query.get('X-Amz-Date') ?? ''
  const hash = hex(await crypto.subtle.digest('SHA-256', utf8(canonical)))
  const text = ['AWS4-HMAC-SHA256', date, `${day}/${region}/${service}/aws4_request`, hash].join('\n')
  let key = utf8(`AWS4${secret}`)
  for (const word of [day, region, service, 'aws4_request']) key = await hmac(key, word)
  if (hex(await hmac(key, text)) !== query.get('X-Amz-Signature')) return 'SignatureDoesNotMatch'
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date) ?? []
  const at = Date.UTC(Number(y), Number(mo) - 1, Number(d), Number(h), Number(mi), Number(s))
  return now > at + Number(query.get('X-Amz-Expires')) * 1000 ? 'AccessDenied' : null
}

async function hmac(key: Uint8Array<ArrayBuffer>, message: string): Promise<Uint8Array<ArrayBuffer>> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const imported = await crypto.subtle.importKey('raw', key, algorithm, false, ['sign'])
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, utf8(message)))
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(text))
}

function hex(bytes: ArrayBuffer | Uint8Array<ArrayBuffer>): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** RFC 3986: encodes everything but the unreserved characters. */
function strictly(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

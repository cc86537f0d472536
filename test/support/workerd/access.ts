/** A fake of Cloudflare Access: a team with rotating keys, and the assertions that it adds to requests. */
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { secret } from './secret-scan.ts'

/** As configured in vitest.config.ts. */
export const TEAM = 'https://team.cloudflareaccess.com'
export const AUDIENCE = 'the-audience-of-the-tests'

type Pair = Awaited<ReturnType<typeof generateKeyPair>> & { kid: string }

let made = 0
async function newPair(): Promise<Pair> {
  const pair = await generateKeyPair('RS256', { extractable: true })
  return { ...pair, kid: `key-${++made}` }
}

let current: Promise<Pair> | null = null
let previous: Promise<Pair> | null = null

/** The current signing key. */
function currentPair(): Promise<Pair> {
  current ??= newPair()
  return current
}

/** Rotates the signing key; the last one is still published, the one before it no longer. */
export function rotate(): void {
  previous = currentPair()
  current = newPair()
}

/** The team's answer at `/cdn-cgi/access/certs`. */
export async function certs(): Promise<Response> {
  const pairs = await Promise.all([currentPair(), ...(previous ? [previous] : [])])
  const keys = pairs.map(async ({ publicKey, kid }) => ({
    ...(await exportJWK(publicKey)),
    kid,
    alg: 'RS256',
    use: 'sig',
  }))
  return Response.json({ keys: await Promise.all(keys) })
}

interface Wanted {
  claims?: Record<string, unknown>
  /** From now, in seconds. */
  ttlSeconds?: number
  /** Of another team. */
  forged?: boolean
}

/** The header of a request admitted by Access. */
export async function assertion({
  claims = {},
  ttlSeconds = 24 * 3600,
  forged = false,
}: Wanted = {}): Promise<{
  'Cf-Access-Jwt-Assertion': string
}> {
  const own = await currentPair()
  const { privateKey } = forged ? await newPair() : own
  const now = Math.floor(Date.now() / 1000)
  const standard = { iss: TEAM, aud: [AUDIENCE], type: 'app', email: 'ada@example.com', sub: 'user-1' }
  const text = await new SignJWT({ ...standard, iat: now, exp: now + ttlSeconds, ...claims })
    .setProtectedHeader({ alg: 'RS256', kid: own.kid, typ: 'JWT' })
    .sign(privateKey)
  secret(text)
  return { 'Cf-Access-Jwt-Assertion': text }
}

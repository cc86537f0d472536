/**
 * How often one token may call, by Cloudflare's rate limit binding. It is counted at each location of the network and
 * a little late, so it stops a runaway client and is no exact quota. Only routes with a scope are counted: reports of
 * GPU workers, RunPod's callbacks and signed uploads never wait for it.
 */
import { logFault } from '../actors/log.ts'
import type { Caller } from './auth.ts'
import { type Env, positiveInteger } from './env.ts'
import { Problem } from './problem.ts'

/** What wrangler.toml gives the binding; the binding itself does not tell. */
const STANDARD = { requests: 600, seconds: 60 }

/**
 * Counts one call of this caller. Without the binding, or when it fails, everybody may call: a fault of the limit
 * must not become a fault of the service. The developer without a token is on this very computer, and is not counted.
 *
 * @throws Problem 429 with the headers of draft-ietf-httpapi-ratelimit-headers
 */
export async function requireRate(env: Env, caller: Caller): Promise<void> {
  if (!env.RATE_LIMIT || caller.expiresAt === null) return
  if (await isAllowed(env.RATE_LIMIT, rateKey(caller))) return
  const { requests, seconds } = policyOf(env)
  const detail = `This token may make ${requests} requests in ${seconds} seconds; try again when they have passed.`
  throw new Problem(429, 'rate_limited', detail, {
    headers: {
      // The binding does not say when the window ends: its whole length is the longest that it can take.
      'Retry-After': String(seconds),
      'RateLimit-Policy': `"token";q=${requests};w=${seconds}`,
      RateLimit: `"token";r=0;t=${seconds}`,
    },
  })
}

/** Never an address, which many share. By job as well: a browser must not use up what its own server may do. */
export function rateKey({ subject, projectId, jobId }: Caller): string {
  return JSON.stringify([subject, projectId, jobId])
}

async function isAllowed(limiter: RateLimit, key: string): Promise<boolean> {
  try {
    return (await limiter.limit({ key })).success
  } catch (error) {
    logFault('rate_limit', error)
    return true
  }
}

function policyOf(env: Env): { requests: number; seconds: number } {
  return {
    requests: positiveInteger(env.RATE_LIMIT_REQUESTS) ?? STANDARD.requests,
    seconds: positiveInteger(env.RATE_LIMIT_SECONDS) ?? STANDARD.seconds,
  }
}

/**
 * Limits the calls of each token by Cloudflare's rate limit binding. The binding counts per location of the network and
 * with a small delay, so it stops a runaway client but is no exact quota. Only routes with a scope are counted: reports
 * of GPU workers, RunPod's callbacks and signed uploads are not limited.
 */

import { logFault } from '../../actors/shared/log.ts'
import { positiveInteger } from '../../actors/shared/settings.ts'
import type { Caller } from '../auth/access-token.ts'
import type { Env } from '../env.ts'
import { Problem } from './problem.ts'

/** The limit of the binding in wrangler.toml, which the binding itself does not expose. */
const STANDARD = { requests: 600, seconds: 60 }

/**
 * Counts one call of this caller. Without the binding, or when it fails, every call is allowed: a fault of the limit
 * must not become a fault of the service. The developer without a token is on this computer, and is not counted.
 *
 * @throws Problem 429 with the headers of draft-ietf-httpapi-ratelimit-headers
 */
export async function requireRate(env: Env, caller: Caller): Promise<void> {
  if (!env.RATE_LIMIT || caller.by !== 'token') return
  if (await isAllowed(env.RATE_LIMIT, rateKey(caller))) return
  const { requests, seconds } = policyOf(env)
  const detail = `This token may make ${requests} requests in ${seconds} seconds; try again when they have passed.`
  throw new Problem(429, 'rate_limited', detail, {
    headers: {
      // The binding does not expose when the window ends; its full length is the upper bound.
      'Retry-After': String(seconds),
      'RateLimit-Policy': `"token";q=${requests};w=${seconds}`,
      RateLimit: `"token";r=0;t=${seconds}`,
    },
  })
}

/**
 * Not by address, which many clients share. Includes the job, so that a browser's token does not consume its server's
 * limit.
 */
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

/**
 * Identifies clients of one service with one token, which have access to the same data. Kept apart from the clients, so
 * that none exposes its token.
 */
import type { TokenSource } from './http.ts'

export interface Authority {
  base: string
  /** Compared by text, or as the same function. */
  token: TokenSource | undefined
}

const known = new WeakMap<object, Authority>()

/** Records the authority for `authorityOf`. */
export function withAuthority<T extends object>(jobs: T, authority: Authority): T {
  known.set(jobs, authority)
  return jobs
}

/** Undefined for an object that `createExports` did not make, such as a test double. */
export function authorityOf(jobs: object): Authority | undefined {
  return known.get(jobs)
}

/** Which clients see the same: those of one service with one token. Kept apart from the clients, so that none shows its token. */
import type { TokenSource } from './http.ts'

export interface Authority {
  base: string
  /** The same text, or the same function. */
  token: TokenSource | undefined
}

const known = new WeakMap<object, Authority>()

/** Notes it for `authorityOf`. */
export function withAuthority<T extends object>(jobs: T, authority: Authority): T {
  known.set(jobs, authority)
  return jobs
}

/** Undefined for what `createExports` did not make, as the stand-in of a test. */
export function authorityOf(jobs: object): Authority | undefined {
  return known.get(jobs)
}

/** Limits of size and time for external inputs. */

/** Sizes in bytes, times in milliseconds. */
export interface Limits {
  mostBytes: number
  /** Separately for a lookup, a connection, and its handshake. */
  connectMs: number
  /** From the request to the end of the answer's headers. */
  answerMs: number
  /** Between two pieces of the body. */
  stallMs: number
  /** For everything, including redirects and repeats. */
  wholeMs: number
}

export const LIMITS: Limits = {
  mostBytes: 5 * 1024 ** 3,
  connectMs: 10_000,
  answerMs: 30_000,
  stallMs: 30_000,
  wholeMs: 20 * 60_000,
}

export const MAX_REDIRECTS = 5

/** The input can never be used in this form; the message continues "The input at …". */
export class Refused extends Error {}

/** A condition that another try may resolve; the message is the reason. */
export class Passing extends Error {}

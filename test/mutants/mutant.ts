/**
 * The type of a mutant: one small change that breaks the service, and what must detect it: a test file, the simulation,
 * or both. A mutant with a `promise` proves that promise: `test` is listed in its row of the README's table.
 */
export interface Mutant {
  readonly name: string
  /** Its number in the README. */
  readonly promise?: number
  /** The description of `test` in the table. */
  readonly shows?: string
  /** The file in which a test must fail. */
  readonly test?: string
  /** The number of simulated runs that must detect it; without it the simulation is not run. */
  readonly runs?: number
  readonly file: string
  /** Must occur in the file exactly once. */
  readonly search: string
  readonly replace: string
}

/** The number of simulated runs that detects most mutants. */
export const USUAL_RUNS = 30_000

export const CORE = 'actors/export-job/core'

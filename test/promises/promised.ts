/** What a promise is here: its number in the README, and the test files that hold it. */
export interface Promised {
  /** As the README numbers them. */
  readonly number: number
  readonly proofs: readonly Proof[]
}

export interface Proof {
  readonly test: string
  /** What the reader of the table is told that this file shows. */
  readonly shows: string
  readonly mutant: Mutant
}

export interface Mutant {
  readonly name: string
  readonly file: string
  /** Must stand in the file exactly once. */
  readonly search: string
  readonly replace: string
}

export const CORE = 'actors/export-job/core'

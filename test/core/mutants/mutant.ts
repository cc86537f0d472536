/**
 * Small ways to break the core, or the simulated shell and stores around it. Each must be noticed by the simulation;
 * `runs` is how many it gets, where the default does not do.
 */
export interface Mutant {
  readonly name: string
  readonly file: string
  /** Must stand in the file exactly once. */
  readonly search: string
  readonly replace: string
  readonly runs?: number
}

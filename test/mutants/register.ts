/** All mutants, and those that prove the README's promises. */
import type { Mutant } from './mutant.ts'
import { OF_ENDS } from './of-ends.ts'
import { OF_LANES } from './of-lanes.ts'
import { OF_RUNNING_JOBS } from './of-running-jobs.ts'
import { OF_THE_CORE } from './of-the-core.ts'
import { OF_THE_WORLD } from './of-the-world.ts'

export const MUTANTS: readonly Mutant[] = [
  ...OF_RUNNING_JOBS,
  ...OF_ENDS,
  ...OF_THE_CORE,
  ...OF_LANES,
  ...OF_THE_WORLD,
]

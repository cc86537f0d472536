/**
 * What the README promises, the test files that hold each promise, and for each of those one small way to break the
 * promise in the source that the file must notice. `cli.ts` breaks them one after the other.
 */
import { OF_ENDS } from './of-ends.ts'
import { OF_RUNNING_JOBS } from './of-running-jobs.ts'
import type { Promised } from './promised.ts'

export const PROMISES: readonly Promised[] = [...OF_RUNNING_JOBS, ...OF_ENDS]

/** The project of vitest.config.ts that runs a file. */
export function projectOf(test: string): string {
  if (test.startsWith('test/core/')) return 'core'
  return /^test\/(actor|http)\//.test(test) ? 'workerd' : 'node'
}

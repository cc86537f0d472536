/** Compares the row in D1 with the state of its actor. */

import type { MirrorRow } from '../../actors/export-job/core/shown/mirror-row.ts'
import { CHANGING, type JobRow } from '../../actors/export-job/effects/job-columns.ts'
import type { Drift } from '../../wire/admin.ts'

/**
 * Between creation and end only a change of status is written to the list; the other columns follow with the next one.
 */
const WHILE_ACTIVE: readonly (keyof MirrorRow)[] = [
  'status',
  'round',
  'error_code',
  'output_video_key',
  'finished_at',
]

/**
 * `due_at` is not compared: it changes without a new version of the job.
 *
 * @param owed the row's pending write, with its number of failed tries; null when there is none
 */
export function rowDiff(expected: MirrorRow, row: JobRow | null, owed: { tries: number } | null): Drift {
  if (!row) return { state: 'missing', columns: [] }
  const names = expected.finished_at === null ? WHILE_ACTIVE : CHANGING
  const columns = names
    .filter((name) => row[name] !== expected[name])
    .map((name) => ({ name, actor: expected[name], row: row[name] }))
  if (columns.length === 0) return { state: 'none', columns }
  return { state: owed?.tries === 0 ? 'pending' : 'behind', columns }
}

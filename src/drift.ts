/** Whether the row in D1 says what its actor says. */
import type { MirrorRow } from '../actors/export-job/core/mirror-row.ts'
import type { Drift } from '../wire/admin.ts'
import type { WholeRow } from './job-rows.ts'

/** Between birth and end the list is told of a change of status; the rest of the row follows with the next one. */
const WHILE_ACTIVE: readonly (keyof MirrorRow)[] = [
  'status',
  'round',
  'error_code',
  'output_video_key',
  'finished_at',
]

/** @param owed the actor's own word that it has yet to write the row: how often it failed; null when it owes nothing */
export function driftOf(expected: MirrorRow, row: WholeRow | null, owed: { tries: number } | null): Drift {
  if (!row) return { state: 'missing', columns: [] }
  const names = expected.finished_at === null ? WHILE_ACTIVE : ALL
  const columns = names
    .filter((name) => row[name] !== expected[name])
    .map((name) => ({ name, actor: expected[name], row: row[name] }))
  if (columns.length === 0) return { state: 'none', columns }
  return { state: owed?.tries === 0 ? 'pending' : 'behind', columns }
}

/** When the row must change next is housekeeping: it moves without a new version of the job. */
const EVERY_COLUMN: Record<keyof Omit<MirrorRow, 'due_at'>, true> = {
  version: true,
  status: true,
  progress: true,
  stage: true,
  output_video_key: true,
  error: true,
  error_code: true,
  runpod_job_id: true,
  attempt: true,
  round: true,
  started_at: true,
  finished_at: true,
  expires_at: true,
  gpu_seconds: true,
  wasted_seconds: true,
  queue_seconds: true,
  total_seconds: true,
  webhooks_taken: true,
  webhooks_failed: true,
}

const ALL = Object.keys(EVERY_COLUMN).filter(
  (name): name is keyof typeof EVERY_COLUMN => name in EVERY_COLUMN,
)

/**
 * The columns of `export_jobs`, defined once: rows, statements and the comparison of a row with its actor derive from
 * them. A new column is a migration, its line here, and the source of its value: `bornRow`, or the core's
 * `mirrorRowOf`.
 */
import type { JobRequest } from '../core/job.ts'
import { DEFAULT_ENDPOINT } from '../core/policy.ts'
import type { MirrorRow } from '../core/shown/mirror-row.ts'

/** The constant columns. Instants are milliseconds, JSON is text. */
export interface BornRow {
  id: string
  project_id: number
  type: string
  /** Empty if the input is an external URL. */
  input_video_key: string
  /** Origin and path of an external input. */
  input_video_url: string | null
  params: string
  metadata: string
  tags: string
  max_attempts: number
  endpoint: string
  request_hash: string
  created_at: number
}

/** A row as read from D1. */
export type JobRow = BornRow & MirrorRow & { mirrored_at: number; archived: number }

/**
 * `born`: written once; `changing`: with a version of the job; `housekeeping`: without one, or derived from another
 * column. `erased`: the value in the row of a job that is being deleted; without it, the value is kept.
 */
interface Column<T> {
  readonly kind: 'born' | 'changing' | 'housekeeping'
  readonly erased?: T
}

const born = { kind: 'born' } as const
const changing = { kind: 'changing' } as const
const housekeeping = { kind: 'housekeeping' } as const

const COLUMNS: { readonly [Name in keyof JobRow]: Column<JobRow[Name]> } = {
  id: born,
  project_id: born,
  type: born,
  input_video_key: { ...born, erased: '' },
  input_video_url: { ...born, erased: null },
  params: { ...born, erased: '{}' },
  metadata: { ...born, erased: '{}' },
  tags: { ...born, erased: '[]' },
  max_attempts: born,
  endpoint: born,
  request_hash: born,
  created_at: born,
  version: changing,
  status: changing,
  progress: { ...changing, erased: 0 },
  stage: { ...changing, erased: null },
  output_video_key: { ...changing, erased: null },
  error: { ...changing, erased: null },
  error_code: { ...changing, erased: null },
  runpod_job_id: { ...changing, erased: null },
  attempt: changing,
  round: changing,
  started_at: changing,
  finished_at: { ...changing, erased: null },
  expires_at: { ...changing, erased: null },
  gpu_seconds: changing,
  wasted_seconds: changing,
  queue_seconds: changing,
  total_seconds: changing,
  webhooks_taken: changing,
  webhooks_failed: changing,
  webhooks_owed: { ...changing, erased: 0 },
  waiting_since: { ...changing, erased: null },
  attention: { ...changing, erased: null },
  attention_at: { ...changing, erased: null },
  due_at: housekeeping,
  mirrored_at: housekeeping,
  archived: housekeeping,
  outcome: housekeeping,
}

const NAMES = Object.keys(COLUMNS).filter((name): name is keyof JobRow => name in COLUMNS)

/** For SELECT. */
export const COLUMN_LIST = NAMES.join(', ')

/** The columns that must equal the actor's state once the row is written. */
export const CHANGING = NAMES.filter(
  (name): name is Exclude<keyof MirrorRow, 'due_at' | 'outcome'> => COLUMNS[name].kind === 'changing',
)

/** The columns that a deletion overwrites, with their values afterwards. */
export const ERASED: Partial<JobRow> = Object.fromEntries(
  NAMES.flatMap((name) => {
    const { erased } = COLUMNS[name]
    return erased === undefined ? [] : [[name, erased]]
  }),
)

export function bornRow(request: JobRequest): BornRow {
  return {
    id: request.id,
    project_id: request.projectId,
    type: request.type,
    input_video_key: request.inputVideoKey,
    input_video_url: request.inputVideoUrl?.shown ?? null,
    params: JSON.stringify(request.params),
    metadata: JSON.stringify(request.metadata),
    tags: JSON.stringify(request.tags),
    max_attempts: request.policy.maxAttempts,
    endpoint: request.policy.endpoint ?? DEFAULT_ENDPOINT,
    request_hash: request.requestHash,
    created_at: request.createdAt,
  }
}

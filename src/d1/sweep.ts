/**
 * The sweep, every five minutes by cron, repairs what a lost alarm, a crash between two writes or an abandoned upload
 * leaves behind. It has the actors of overdue rows revive themselves, removes uploads that no job ever used, and
 * removes old rows. Every run is bounded and reports what is left for the next one. A failure of one part does not stop
 * the others.
 */
import { POLICY_BOUNDS } from '../../actors/export-job/core/policy.ts'
import { logFault } from '../../actors/shared/log.ts'
import type { Env } from '../env.ts'
import { callJob } from '../stubs.ts'
import { type AgeReport, ageRows } from './aged-rows.ts'
import { overdueSql } from './overdue.ts'
import { readCursor, writeCursor } from './sweep-cursor.ts'
import { removeUnusedUploads, type UploadsReport } from './unused-uploads.ts'

/** A row is overdue this long after its due instant. */
export const OVERDUE_MS = 5 * 60_000
const AT_ONCE = 20
/** Maximum work of one run. */
export const SWEEP_LIMITS = { rows: 1_000, objects: 500, aged: 1_000 }
const CURSOR = 'overdue-rows'

interface OverdueReport {
  /** Actors that revived themselves: their alarm is set again, their row written again. */
  healed: number
  /** Rows that were closed, since their job was never accepted or its actor is gone. */
  closed: number
  /** Actors that could not be reached; retried by a later run. */
  failed: number
  /** Whether there were more overdue rows than one run handles. */
  left: boolean
}

/** The figures of a part that failed are absent. */
export interface SweepReport extends Partial<OverdueReport & UploadsReport & AgeReport> {
  /** The parts that failed; the next run retries them. */
  broken: Part[]
}

type Part = 'overdue_rows' | 'unused_uploads' | 'aged_rows'

interface OverdueRow {
  id: string
  status: string
  version: number
  due_at: number
  finished_at: number | null
}

/** One run, which never throws. `now` in milliseconds. */
export async function sweep(env: Env, now: number, limits = SWEEP_LIMITS): Promise<SweepReport> {
  const parts: Record<Part, () => Promise<Omit<SweepReport, 'broken'>>> = {
    overdue_rows: () => reviveOverdue(env, now, limits.rows),
    unused_uploads: () => removeUnusedUploads(env, now, limits.objects),
    aged_rows: () => ageRows(env, now, limits.aged),
  }
  const report: SweepReport = { broken: [] }
  for (const part of ['overdue_rows', 'unused_uploads', 'aged_rows'] as const) {
    try {
      Object.assign(report, await parts[part]())
    } catch (error) {
      logFault('sweep', error, { part })
      report.broken.push(part)
    }
  }
  return report
}

async function reviveOverdue(env: Env, now: number, most: number): Promise<OverdueReport> {
  const { rows, left } = await overdueRows(env, now, most)
  const found: Record<Found, OverdueRow[]> = { healed: [], gone: [], failed: [] }
  for (let start = 0; start < rows.length; start += AT_ONCE) {
    const some = rows.slice(start, start + AT_ONCE)
    const outcomes = await Promise.all(some.map((row) => reviveJob(env, row)))
    for (const [index, row] of some.entries()) found[outcomes[index] ?? 'failed'].push(row)
  }
  await closeRows(env, found.gone, now)
  return { healed: found.healed.length, closed: found.gone.length, failed: found.failed.length, left }
}

/** Oldest first, continuing where the last run ended: rows that always fail must not starve those behind them. */
async function overdueRows(
  env: Env,
  now: number,
  most: number,
): Promise<{ rows: OverdueRow[]; left: boolean }> {
  const after: [number, string] = JSON.parse((await readCursor(env, CURSOR)) ?? '[0, ""]')
  const inOrder = 'ORDER BY due_at, id LIMIT ?4'
  const condition = 'due_at < ?1 AND (due_at, id) > (?2, ?3)'
  const query = `${overdueSql('id, status, version, due_at, finished_at', condition, inOrder)} ${inOrder}`
  const { results } = await env.DB.prepare(query)
    .bind(now - OVERDUE_MS, ...after, most + 1)
    .all<OverdueRow>()
  const rows = results.slice(0, most)
  const last = rows.at(-1)
  const left = last !== undefined && results.length > most
  if (left || after[1] !== '') {
    await writeCursor(env, CURSOR, left ? JSON.stringify([last.due_at, last.id]) : null)
  }
  return { rows, left }
}

/** `gone`: the actor holds no job. */
type Found = 'healed' | 'gone' | 'failed'

async function reviveJob(env: Env, { id }: OverdueRow): Promise<Found> {
  try {
    const { found } = await callJob(env, id, (job) => job.revive())
    return found ? 'healed' : 'gone'
  } catch {
    // Logged where it was caught.
    return 'failed'
  }
}

/** The rows of the sweep, unless they have changed since, as a table `seen`. */
const SEEN = `(SELECT value ->> 'id' AS seen_id, value ->> 'version' AS seen_version FROM json_each(?1)) AS seen
  WHERE id = seen_id AND version = seen_version`

/**
 * Closes the rows of actors that hold no job, by one statement for each kind, because D1 accepts 1,000 in a run. A
 * hidden row is the rest of a deleted job, and an ended row belongs to a retired actor. A row at version 0 belongs to a
 * job whose `create` never arrived: it is closed with the standard retention, and stays at version 0 so that a later
 * mirror write still wins.
 */
async function closeRows(env: Env, rows: readonly OverdueRow[], now: number): Promise<void> {
  const bind = (sql: string, seen: readonly OverdueRow[], ...more: (string | number)[]) => {
    const named = seen.map(({ id, version }) => ({ id, version }))
    return seen.length === 0 ? [] : [env.DB.prepare(sql).bind(JSON.stringify(named), ...more)]
  }
  const kept = rows.filter(({ status }) => status !== 'deleting')
  const unfinished = kept.filter(({ finished_at }) => finished_at === null)
  const statements = [
    ...bind(
      `DELETE FROM export_jobs WHERE status = 'deleting' AND id IN (SELECT value ->> 'id' FROM json_each(?1))`,
      rows.filter(({ status }) => status === 'deleting'),
    ),
    ...bind(
      `UPDATE export_jobs SET archived = 1, due_at = NULL FROM ${SEEN}`,
      kept.filter(({ finished_at }) => finished_at !== null),
    ),
    ...CLOSINGS.flatMap(({ holds, code, message }) =>
      bind(
        `UPDATE export_jobs SET status = 'error', error = ?2, error_code = ?3, finished_at = ?4, expires_at = ?5,
           due_at = ?5, waiting_since = NULL, mirrored_at = ?4 FROM ${SEEN}`,
        unfinished.filter(holds),
        JSON.stringify({ code, message, retryable: false }),
        code,
        now,
        now + POLICY_BOUNDS.retentionMs.standard,
      ),
    ),
  ]
  if (statements.length > 0) await env.DB.batch(statements)
}

const CLOSINGS = [
  {
    holds: ({ version }: OverdueRow) => version === 0,
    code: 'not_accepted',
    message: 'The request to create this job was interrupted before it was accepted; send it again.',
  },
  {
    holds: ({ version }: OverdueRow) => version !== 0,
    code: 'actor_lost',
    message: 'The actor of this job no longer holds it.',
  },
]

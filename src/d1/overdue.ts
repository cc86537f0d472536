/**
 * Selects rows whose change was due before an instant, in two parts: ended jobs by an index of their own, and
 * unfinished jobs, which are few, by testing each. An index over the due instant of every row would be written at each
 * change of an unfinished job.
 */

interface Stretch {
  /** The name of the index without `export_jobs_by_`. */
  readonly index: string
  readonly holds: string
}

export const OVERDUE: readonly Stretch[] = [
  { index: 'status', holds: "outcome = 'open'" },
  { index: 'due', holds: "outcome <> 'open'" },
]

/** Combines both parts. Values in `condition` and `tail` must be numbered, since each occurs twice. */
export function overdueSql(columns: string, condition: string, tail: string): string {
  return OVERDUE.map(
    ({ index, holds }) =>
      `SELECT * FROM (SELECT ${columns} FROM export_jobs INDEXED BY export_jobs_by_${index}
        WHERE ${holds} AND ${condition} ${tail})`,
  ).join(' UNION ALL ')
}

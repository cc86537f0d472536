/** Merges the lines of a log. Pure. */
import type { JobEvent } from '../../../../client/index.ts'

/** Lines arrive in pages and individually, some of them twice; they are sorted by number. */
export function merged(before: JobEvent[], lines: JobEvent[]): JobEvent[] {
  const [first] = lines
  if (!first) return before
  const newest = before.at(-1)?.seq ?? 0
  if (first.seq > newest) return [...before, ...lines]
  const oldest = before[0]?.seq ?? 0
  const last = lines.at(-1)?.seq ?? 0
  if (last < oldest) return [...lines, ...before]
  const known = new Set(before.map(({ seq }) => seq))
  return [...before, ...lines.filter(({ seq }) => !known.has(seq))].sort((a, b) => a.seq - b.seq)
}

import type { InspectedLine } from '../../../../wire/admin.ts'
import { absolute, relative } from '../../format.ts'

/** The connection of the GPU worker, and how the previous one ended. */
export function WorkerLine({ line, now }: { line: InspectedLine; now: number }) {
  const { open, last_close: last } = line
  return (
    <>
      {open
        ? `open since ${absolute(open.since, now)}, ${reports(open.messages)}, last heard ${relative(open.heard_at, now)}`
        : 'none is open'}
      {last && (
        <span class="muted">
          {' '}
          · one closed with {last.code} after {reports(last.messages)}, {absolute(last.at, now)}
        </span>
      )}
    </>
  )
}

function reports(count: number): string {
  return `${count} ${count === 1 ? 'report' : 'reports'}`
}

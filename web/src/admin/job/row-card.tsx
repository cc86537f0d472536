import type { InspectedJob } from '../../../../wire/admin.ts'
import { relative } from '../../format.ts'
import { driftWords } from '../words.ts'

interface RowCardProps {
  opened: InspectedJob
  now: number
  repair: () => void
}

/** Compares the row in D1 with the actor, which is authoritative: the differences, and the action that repairs them. */
export function RowCard({ opened, now, repair }: RowCardProps) {
  const { mirror, drift, actor } = opened
  return (
    <section class="row-card" aria-labelledby="row-title" data-drift={drift?.state ?? 'none'}>
      <h2 id="row-title">Row in D1</h2>
      <p>{drift ? driftWords(drift) : 'Answered from the row alone; no actor holds this job.'}</p>
      {drift && drift.columns.length > 0 && (
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">Column</th>
              <th scope="col">Actor</th>
              <th scope="col">Row</th>
            </tr>
          </thead>
          <tbody>
            {drift.columns.map(({ name, actor: truth, row }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{truth ?? '–'}</td>
                <td>{row ?? '–'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {mirror && (
        <p class="muted small">
          Version {mirror.row.version}, status {mirror.row.status}, written{' '}
          {relative(mirror.mirrored_at, now)}.
          {actor?.outbox.mirror &&
            ` The actor writes it next ${relative(actor.outbox.mirror.next_try_at, now)}.`}
        </p>
      )}
      {actor && drift?.state !== 'none' && (
        <button type="button" onClick={repair}>
          Write the row again
        </button>
      )}
    </section>
  )
}

import { relative } from '../../format.ts'
import type { InspectedActor, Owed } from '../types.ts'

interface Line {
  what: string
  owed: Owed
  answer: string
}

/** What the job owes the outside: each with its last answer and its next try. */
export function OwedCard({ actor, now }: { actor: InspectedActor; now: number }) {
  const lines = linesOf(actor)
  return (
    <section class="card owed-card" aria-labelledby="owed-title">
      <h2 id="owed-title">Owed</h2>
      {actor.webhook && (
        <p class="muted small">
          Webhook to <span class="mono">{actor.webhook.url}</span>, of {actor.webhook.events.join(', ')}
          {actor.outbox.webhooks_refused && '; the receiver wants no more'}.
        </p>
      )}
      {lines.length === 0 ? (
        <p class="muted">Nothing.</p>
      ) : (
        <ul>
          {lines.map(({ what, owed, answer }) => (
            <li key={what}>
              <strong>{what}</strong> {answer || tried(owed)}; next try {relative(owed.next_try_at, now)}
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

function linesOf({ outbox, webhook_answers: answers, attempts }: InspectedActor): Line[] {
  const lines: Line[] = []
  const add = (what: string, owed: Owed | null, answer = '') => {
    if (owed) lines.push({ what, owed, answer })
  }
  for (const webhook of outbox.webhooks) {
    const last = answers.find(({ id }) => id === webhook.id)
    add(
      `Webhook “${webhook.event}”`,
      webhook,
      last ? `${last.detail ?? last.status} (${tried(webhook)})` : '',
    )
  }
  add('Row in D1', outbox.mirror)
  add('Removal of stale files', outbox.sweep)
  add('Retirement', outbox.archive)
  for (const { round, attempt, cancel } of attempts) {
    if (!cancel?.next_try_at) continue
    const owed = { tries: cancel.tries, next_try_at: cancel.next_try_at }
    add(
      `Cancel of attempt ${round}-${attempt}`,
      owed,
      cancel.tries > 0 ? `not confirmed (${tried(owed)})` : '',
    )
  }
  return lines
}

function tried({ tries }: Owed): string {
  return tries === 0 ? 'not tried yet' : `tried ${tries === 1 ? 'once' : `${tries} times`}`
}

import type { InspectedActor, OwedJson } from '../../../../wire/admin.ts'
import { absolute, relative } from '../../format.ts'

interface Line {
  what: string
  owed: OwedJson
  answer: string
  /** The message id of a webhook, which can be sent manually. */
  delivery: string | null
}

interface OwedCardProps {
  actor: InspectedActor
  now: number
  sendAgain: (delivery: string) => void
}

/** The job's outbox: each entry with its last answer and its next try. */
export function OwedCard({ actor, now, sendAgain }: OwedCardProps) {
  const lines = linesOf(actor)
  return (
    <section class="owed-card" aria-labelledby="owed-title">
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
          {lines.map(({ what, owed, answer, delivery }) => (
            <li key={delivery ?? what}>
              <strong>{what}</strong> {answer || tried(owed)}; next try {relative(owed.next_try_at, now)}
              {delivery !== null && (
                <button type="button" class="bare" onClick={() => sendAgain(delivery)}>
                  Send it now
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
      {actor.outbox.webhooks_settled.length > 0 && (
        <ul aria-label="Webhooks of which nothing is owed">
          {actor.outbox.webhooks_settled.map(({ id, event, at }) => (
            <li key={id} class="muted">
              Webhook “{event}” of {absolute(at, now)}: settled{answerOf(actor, id, ', last answer ')}
              <button type="button" class="bare" onClick={() => sendAgain(id)}>
                Send it again
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

/** The receiver's last answer to a message; empty before the first one. */
function answerOf({ webhook_answers: answers }: InspectedActor, delivery: string, lead = ''): string {
  const last = answers.find(({ id }) => id === delivery)
  return last ? `${lead}${last.detail ?? last.status ?? 'none'}` : ''
}

function linesOf(actor: InspectedActor): Line[] {
  const { outbox, attempts } = actor
  const lines: Line[] = []
  const add = (what: string, owed: OwedJson | null, answer = '', delivery: string | null = null) => {
    if (owed) lines.push({ what, owed, answer, delivery })
  }
  for (const webhook of outbox.webhooks) {
    const last = answerOf(actor, webhook.id)
    add(`Webhook “${webhook.event}”`, webhook, last && `${last} (${tried(webhook)})`, webhook.id)
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

function tried({ tries }: OwedJson): string {
  return tries === 0 ? 'not tried yet' : `tried ${tries === 1 ? 'once' : `${tries} times`}`
}

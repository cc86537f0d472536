import { useState } from 'preact/hooks'
import type { JsonObject } from '../../../../client/index.ts'
import type { BulkDone, TriagedJob } from '../../../../wire/admin.ts'
import { announce } from '../../ui/announcer.tsx'
import { sentenceOf } from '../../ui/problem.tsx'
import { Ask } from '../ask.tsx'
import { actOnMany } from '../calls.ts'
import { filterOf, type Search } from './search.ts'

/** The maximum of one call (`src/admin/bulk.ts`). */
const AT_ONCE = 200

const VERBS = { retry_now: 'Retry', cancel: 'Cancel' } as const
type Action = keyof typeof VERBS

interface Asked {
  action: Action
  filter: JsonObject
  count: number
}

interface BulkProps {
  wanted: Search
  selected: readonly TriagedJob[]
  /** Called when some of the jobs have changed. */
  done: () => void
}

/** Retries or cancels many jobs: the selected ones, or else all that match the search; they are counted first. */
export function Bulk({ wanted, selected, done }: BulkProps) {
  const [asking, setAsking] = useState<Asked | null>(null)
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)
  /** The result of the last call, and the request that continues with the remaining jobs. */
  const [last, setLast] = useState<{ answer: BulkDone; next: JsonObject; verb: string } | null>(null)
  const ids = selected.slice(0, AT_ONCE).map(({ id }) => id)
  const filter = ids.length > 0 ? { ids } : filterOf(wanted)
  const first = ids.length < selected.length ? 'the first ' : ''
  const of = ids.length > 0 ? `${first}${ids.length} selected` : 'all found'

  const attempt = async (call: () => Promise<void>) => {
    setBusy(true)
    setError(null)
    setLast(null)
    await call().catch(setError)
    setBusy(false)
  }
  const count = (action: Action) =>
    attempt(async () => {
      if (!filter) return
      const { left } = await actOnMany({ action, filter, reason: 'Counted first.', dry_run: true })
      setAsking({ action, filter, count: left })
    })
  const run = async (asked: JsonObject, verb: string) => {
    const answer = await actOnMany(asked)
    setLast({ answer, next: { ...asked, cursor: answer.cursor }, verb })
    announce(wordsOf(answer))
    done()
  }
  return (
    <div class="bulk">
      {(Object.keys(VERBS) as Action[]).map((action) => (
        <button key={action} type="button" disabled={busy || !filter} onClick={() => void count(action)}>
          {VERBS[action]} {of}…
        </button>
      ))}
      {!filter && <span class="muted small">Select jobs to act on them.</span>}
      {error != null && (
        <p class="row-error" role="alert">
          {sentenceOf(error)}
        </p>
      )}
      {last && (
        <p class={last.answer.refused.length > 0 ? 'row-error' : 'muted'}>
          {wordsOf(last.answer)}{' '}
          {last.answer.cursor && (
            <button
              type="button"
              disabled={busy}
              onClick={() => void attempt(() => run(last.next, last.verb))}
            >
              {last.verb} the next {Math.min(AT_ONCE, last.answer.left)}
            </button>
          )}
        </p>
      )}
      {asking && (
        <Ask
          title={`${VERBS[asking.action]} ${asking.count} ${asking.count === 1 ? 'job' : 'jobs'}?`}
          action={`${VERBS[asking.action]} ${Math.min(AT_ONCE, asking.count)}`}
          run={(reason) =>
            run({ action: asking.action, filter: asking.filter, reason }, VERBS[asking.action])
          }
          onClose={() => setAsking(null)}
        >
          <p>
            {asking.count > AT_ONCE && `The newest ${AT_ONCE} go first, and you are asked to go on. `}
            Only jobs that this can be done to are counted.
          </p>
        </Ask>
      )}
    </div>
  )
}

/** `500 done, 1 refused (job_cancelled), 204 left.` */
function wordsOf({ done, refused, left }: BulkDone): string {
  const why = [...new Set(refused.map(({ code }) => code))].join(', ')
  const parts = [`${done} done`, why && `${refused.length} refused (${why})`, left > 0 && `${left} left`]
  return `${parts.filter(Boolean).join(', ')}.`
}

import { useState } from 'preact/hooks'
import { announce } from '../../ui/announcer.tsx'
import { sentenceOf } from '../../ui/problem.tsx'
import type { AnyJob } from '../../ui/use-pages.ts'
import { Ask } from '../ask.tsx'
import { type ActionName, act, type Search, search } from '../calls.ts'
import { type Fit, fittingOf, MOST } from './fitting.ts'

const AT_ONCE = 4
const PAGE = 100

type BulkAction = Extract<ActionName, 'retry_now' | 'cancel'>

const ACTIONS: Record<BulkAction, Fit & { verb: string }> = {
  retry_now: {
    verb: 'Retry',
    statuses: ['pending', 'error', 'cancelled'],
    fits: ({ status, archived }) => !archived && ['pending', 'error', 'cancelled'].includes(status),
  },
  cancel: {
    verb: 'Cancel',
    statuses: ['pending', 'queued', 'processing'],
    fits: ({ status }) => ['pending', 'queued', 'processing'].includes(status),
  },
}

interface BulkProps {
  wanted: Search
  selected: readonly AnyJob[]
  done: () => void
}

/** Retry or cancel of many: those that are selected, or else all that the search finds; counted before it is done. */
export function Bulk({ wanted, selected, done }: BulkProps) {
  const [asking, setAsking] = useState<{ action: BulkAction; jobs: AnyJob[]; cut: boolean } | null>(null)
  const [counting, setCounting] = useState(false)
  const [failures, setFailures] = useState<string[]>([])
  const count = async (action: BulkAction) => {
    setCounting(true)
    setFailures([])
    try {
      const found =
        selected.length > 0
          ? { jobs: selected.filter(ACTIONS[action].fits), cut: false }
          : await fittingOf((each, cursor) => search(each, cursor, PAGE), wanted, ACTIONS[action])
      setAsking({ action, ...found })
    } catch (reason) {
      setFailures([sentenceOf(reason)])
    } finally {
      setCounting(false)
    }
  }
  const run = async (reason: string) => {
    if (!asking) return
    const refused = await eachOf(asking.jobs, (job) => act(job.id, asking.action, reason))
    setFailures(refused)
    announce(`${asking.jobs.length - refused.length} of ${asking.jobs.length} done.`)
    done()
  }
  const of = selected.length > 0 ? `${selected.length} selected` : 'all found'
  return (
    <div class="bulk">
      {(['retry_now', 'cancel'] as const).map((action) => (
        <button key={action} type="button" disabled={counting} onClick={() => void count(action)}>
          {ACTIONS[action].verb} {of}…
        </button>
      ))}
      {failures.length > 0 && (
        <p class="row-error" role="alert">
          {failures.length} refused: {failures[0]}
        </p>
      )}
      {asking && (
        <Ask
          title={`${ACTIONS[asking.action].verb} ${asking.jobs.length} ${asking.jobs.length === 1 ? 'job' : 'jobs'}?`}
          action={`${ACTIONS[asking.action].verb} ${asking.jobs.length}`}
          run={run}
          onClose={() => setAsking(null)}
        >
          <p>
            {asking.cut && `There are more than ${MOST}: this is for ${MOST} of them. `}
            Only jobs that this can be done to are counted.
          </p>
        </Ask>
      )}
    </div>
  )
}

/** A few at a time; answers why each that failed did. */
async function eachOf(jobs: readonly AnyJob[], call: (job: AnyJob) => Promise<unknown>): Promise<string[]> {
  const failures: string[] = []
  const left = [...jobs]
  const worker = async () => {
    for (let job = left.shift(); job; job = left.shift()) {
      const { id } = job
      await call(job).catch((reason) => failures.push(`${id.slice(0, 8)}: ${sentenceOf(reason)}`))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return failures
}

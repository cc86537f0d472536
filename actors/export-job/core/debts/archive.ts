/** The retirement of a job after its retention: its videos are removed, and its row is marked archived. */
import type { Draft } from '../draft.ts'
import { backoffMs } from '../policy.ts'
import { type Debt, owedClock } from './debt.ts'

/**
 * Commits the first try, so that no manual retry is accepted once the videos may be gone, even if the answer is lost.
 */
export function beginArchive(draft: Draft): void {
  draft.keep({ outbox: { archive: nextTry(draft, 0) } })
  draft.ask({ type: 'archive' })
}

export const archive: Debt<'archive'> = {
  clocks: ({ outbox }) => owedClock(outbox.archive, { name: 'archive', what: 'retire the job' }),

  due(draft) {
    const { archive: owed } = draft.job.outbox
    if (!owed || owed.dueAt > draft.now) return
    draft.lease({ outbox: { archive: nextTry(draft, owed.tries + 1) } })
    draft.ask({ type: 'archive' })
  },

  paid(draft) {
    if (draft.job.outbox.archive) draft.enter({ status: 'gone' })
  },

  failed(draft) {
    if (draft.job.outbox.archive) draft.keep({})
  },
}

function nextTry({ job, now }: Draft, tries: number) {
  return { dueAt: now + backoffMs(`${job.request.id}:archive`, tries), tries }
}

/**
 * Files under `output/<id>/` other than the winner's and its poster: removed at the end of the job, and once more after
 * the last upload URL has expired. Stored as `sweep`.
 */
import { posterKeyOf } from '../attempts.ts'
import { lastUploadEndsAt } from '../clock.ts'
import { type Debt, owedClock, tried } from './debt.ts'

export const staleFiles: Debt<'staleFiles'> = {
  clocks: ({ outbox }) =>
    owedClock(outbox.sweep, { name: 'sweep', what: 'remove stale files of the job', isHousekeeping: true }),

  due(draft) {
    const { phase, outbox } = draft.job
    if (!outbox.sweep || outbox.sweep.dueAt > draft.now) return
    draft.lease({ outbox: { sweep: tried(draft, outbox.sweep, 'sweep') } })
    const winner = phase.status === 'complete' ? phase.output.key : null
    draft.ask({ type: 'sweepOutputs', keep: winner === null ? [] : [winner, posterKeyOf(winner)] })
  },

  paid(draft) {
    const { sweep } = draft.job.outbox
    if (!sweep) return
    const lastLookAt = lastUploadEndsAt(draft.job)
    const again = !sweep.last && lastLookAt > draft.now
    draft.keep({ outbox: { sweep: again ? { dueAt: lastLookAt, tries: 0, last: true } : null } })
  },

  failed(draft) {
    if (draft.job.outbox.sweep) draft.keep({})
  },
}

/**
 * Deletes a job: its files and its row are removed at once, and again when the last upload URL has expired. It is
 * `gone` only after that, and once no cancel or place is owed. Its clock is part of the phase.
 */
import { isIn } from '../phase.ts'
import { owedCancels } from '../remote.ts'
import { type Debt, owedClock, tried } from './debt.ts'
import { owedPlaces } from './places.ts'

export const erase: Debt<'erase'> = {
  clocks: ({ phase }) =>
    owedClock(isIn(phase, 'deleting') ? phase : null, {
      name: 'erase',
      what: 'erase what is left of the job',
    }),

  due(draft) {
    const { phase } = draft.job
    if (phase.status !== 'deleting' || phase.dueAt > draft.now) return
    draft.lease({ phase: tried(draft, phase, 'erase') })
    draft.ask({ type: 'erase' })
  },

  paid(draft) {
    const { job, now } = draft
    const { phase } = job
    if (phase.status !== 'deleting') return
    if (now < phase.until) return draft.enter({ ...phase, tries: 0, dueAt: phase.until })
    const owesNothing = owedCancels(job).length === 0 && owedPlaces(job).length === 0
    if (owesNothing) return draft.enter({ status: 'gone' })
    // Stores the lease of this try: checked again after its pause.
    draft.change({})
  },

  failed(draft) {
    if (isIn(draft.job.phase, 'deleting')) draft.change({})
  },
}

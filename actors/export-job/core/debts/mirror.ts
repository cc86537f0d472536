/** The job's row in D1. `Draft` makes it owed, with every change that a list shows. */
import type { Draft } from '../draft.ts'
import { type Debt, owedClock, tried } from './debt.ts'
import { owedPlaces } from './places.ts'

export const mirror: Debt<'mirror'> = {
  clocks: ({ outbox }) =>
    owedClock(outbox.mirror, { name: 'mirror', what: 'write the job to the list', isHousekeeping: true }),

  due(draft) {
    const { mirror: owed } = draft.job.outbox
    if (!owed || owed.dueAt > draft.now || isGivenBackNow(draft)) return
    draft.lease({ outbox: { mirror: tried(draft, owed, 'mirror') } })
    draft.ask({ type: 'mirror' })
  },

  /** Changes made during the write remain owed; the counted columns are stored with the next commit. */
  paid(draft, { version, counted }) {
    const { mirror: owed } = draft.job.outbox
    if (counted) draft.lease({ outbox: { counted } })
    if (owed && owed.version <= version) draft.keep({ outbox: { mirror: null, mirroredAt: draft.now } })
  },

  failed(draft) {
    if (draft.job.outbox.mirror) draft.keep({})
  },
}

/** A place is being returned for the first time: the row waits for that, so as to contain the due time that follows. */
function isGivenBackNow({ job, now }: Draft): boolean {
  return owedPlaces(job).some(({ tell }) => tell?.what === 'release' && tell.tries === 0 && tell.dueAt <= now)
}

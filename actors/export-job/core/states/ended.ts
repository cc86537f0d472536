/** `complete`, `error` and `cancelled`: the only clocks are those of debts and, without debts, the retention. */
import { beginArchive } from '../debts/archive.ts'
import { owesNothing } from '../debts/index.ts'
import type { Draft } from '../draft.ts'
import type { Job } from '../job.ts'
import type { PhaseIn } from '../phase.ts'
import type { State } from './state.ts'

type Ended = PhaseIn<'complete' | 'error' | 'cancelled'>

const ended = {
  due(draft: Draft, { expiresAt }: Ended) {
    if (draft.now >= expiresAt && owesNothing(draft.job)) beginArchive(draft)
  },

  clocks({ expiresAt }: Ended, job: Job) {
    if (!owesNothing(job)) return []
    return [{ name: 'retention', at: expiresAt, what: 'delete the videos and retire the job' }]
  },
}

export const complete: State<PhaseIn<'complete'>> = {
  ...ended,
  words: () => 'The result is stored and was seen in storage.',
}

export const error: State<PhaseIn<'error'>> = {
  ...ended,
  words: (_, { failure }) => failure.message,
}

export const cancelled: State<PhaseIn<'cancelled'>> = {
  ...ended,
  words: (_, { confirmed }) =>
    confirmed
      ? 'Cancelled; nothing of it runs at RunPod.'
      : 'Cancelled here, but RunPod has not confirmed that it stopped; it is told again until it does.',
}

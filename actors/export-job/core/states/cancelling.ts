/**
 * A cancel was requested, and RunPod has not confirmed it. `settleCancelling` ends this state as soon as no run can
 * exist there; after a time limit it ends unconfirmed, and the cancel remains owed.
 */
import { latestAttempt } from '../attempts.ts'
import { endCancelled } from '../endings.ts'
import type { PhaseIn } from '../phase.ts'
import type { State } from './state.ts'

export const cancelling: State<PhaseIn<'cancelling'>> = {
  due(draft, phase) {
    if (phase.giveUpAt <= draft.now) endCancelled(draft, phase.askedAt, false)
  },

  clocks: ({ giveUpAt }) => [
    { name: 'cancel_give_up', at: giveUpAt, what: 'give up waiting for RunPod to confirm the cancel' },
  ],

  words: (job) =>
    latestAttempt(job)?.runpodJobId
      ? 'Cancel was requested; RunPod has not confirmed it yet.'
      : 'Cancel was requested; the RunPod job is told to stop as soon as its id is known.',
}

/** All states by key; a key without a file here does not compile. */
import type { Phase } from '../job.ts'
import { keyOf, type PhaseIn, type StateKey } from '../phase.ts'
import { asking } from './asking.ts'
import { cancelling } from './cancelling.ts'
import { deleting, gone } from './deleting.ts'
import { dispatching } from './dispatching.ts'
import { cancelled, complete, error } from './ended.ts'
import { queued } from './queued.ts'
import { running } from './running.ts'
import type { State } from './state.ts'
import { verifying } from './verifying.ts'
import { waiting } from './waiting.ts'

const STATES = {
  waiting,
  asking,
  dispatching,
  queued,
  running,
  verifying,
  cancelling,
  complete,
  error,
  cancelled,
  deleting,
  gone,
} satisfies { [K in StateKey]: State<PhaseIn<K>> }

/** The state of a phase; valid for that phase only. */
export function stateOf(phase: Phase): State<Phase> {
  return STATES[keyOf(phase)]
}

/** `deleting`: the remaining work is a debt (`debts/erase.ts`). `gone`: storage may be erased. Neither is shown. */
import type { PhaseIn } from '../phase.ts'
import type { State } from './state.ts'

const hidden = { clocks: () => [], words: () => 'Being deleted.' }

export const deleting: State<PhaseIn<'deleting'>> = hidden
export const gone: State<PhaseIn<'gone'>> = hidden

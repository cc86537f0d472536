/**
 * All debts by name; a name without a file here does not compile. They are tried in this order, and an ended job is
 * kept until none is owed.
 */
import type { Clock } from '../clock.ts'
import type { Draft } from '../draft.ts'
import type { DebtName, Failed, Paid } from '../events.ts'
import type { Job } from '../job.ts'
import { archive } from './archive.ts'
import { cancels } from './cancels.ts'
import type { Debt } from './debt.ts'
import { erase } from './erase.ts'
import { mirror } from './mirror.ts'
import { places } from './places.ts'
import { staleFiles } from './stale-files.ts'
import { webhooks } from './webhooks.ts'

const DEBTS = { archive, erase, cancels, mirror, places, staleFiles, webhooks } satisfies {
  [D in DebtName]: Debt<D>
}
const ALL: readonly Debt<DebtName>[] = Object.values(DEBTS)

export function debtClocks(job: Job): Clock[] {
  const all: Clock[] = []
  // Not flatMap: this runs with every report, and most debts have no clock.
  for (const debt of ALL) for (const clock of debt.clocks(job)) all.push(clock)
  return all
}

export function owesNothing(job: Job): boolean {
  return ALL.every((debt) => debt.clocks(job).length === 0)
}

/** In this order: places precede the row, which waits for a place that is being returned. */
export function tryDebts(draft: Draft): void {
  for (const debt of ALL) debt.due(draft)
}

export function debtAnswered(draft: Draft, fact: Paid | Failed): void {
  const debt: Debt<DebtName> = DEBTS[fact.debt]
  if (fact.type === 'debtPaid') debt.paid(draft, fact)
  else debt.failed(draft, fact)
}

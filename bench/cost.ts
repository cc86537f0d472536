/** Dollars of a million jobs, item by item: exact counts times published prices, which bench/prices.json dates. */

import type { CountedJob, Counts } from './measures/counts.ts'
import PRICES from './prices.json' with { type: 'json' }

/** Item → dollars per million jobs. */
export type Costs = Record<string, number>

/**
 * Seconds for which the job's actor is billed: running, or idle but unable to hibernate. Exportal's sleeps between two
 * events, sockets or not; sockets taken with `accept()` keep the peer's awake for as long as they are open. How long a
 * call to the outside takes there cannot be measured here; bench/prices.json says what is assumed.
 */
export function secondsAwake(job: CountedJob, counts: Counts): number {
  const { actorMsPerEvent, d1Ms, r2Ms, fetchMs } = PRICES.assumed
  const of = (name: string) => counts[name] ?? 0
  const working =
    of('actorRequests') * actorMsPerEvent +
    of('actorD1Calls') * d1Ms +
    of('actorR2Calls') * r2Ms +
    of('actorFetches') * fetchMs
  const pinned = job.name === 'plain' && job.watchers > 0
  return Math.max(working / 1000, pinned ? job.seconds : 0)
}

export function costsOf(job: CountedJob): Costs {
  const { dollarsPerMillion: price, assumed, actorGigabytes } = PRICES
  const of = (name: string) => job.inAll[name] ?? 0
  const awake = secondsAwake(job, job.inAll) * actorGigabytes
  return {
    'Worker requests': of('workerRequests') * price.workerRequests,
    'Worker processor time': of('workerRequests') * assumed.workerCpuMsPerRequest * price.workerCpuMs,
    'actor requests': of('actorRequests') * price.actorRequests,
    'actor time in memory': awake * price.actorGigabyteSeconds,
    'actor rows written': of('actorRowsWritten') * price.actorRowsWritten,
    'actor rows read': of('actorRowsRead') * price.actorRowsRead,
    'D1 rows written': of('d1RowsWritten') * price.d1RowsWritten,
    'D1 rows read': of('d1RowsRead') * price.d1RowsRead,
    'R2 operations': of('r2ClassA') * price.r2ClassA + of('r2ClassB') * price.r2ClassB,
    'log lines': of('logLines') * price.logLines,
  }
}

export function sumOf(costs: Costs): number {
  return Object.values(costs).reduce((sum, dollars) => sum + dollars, 0)
}

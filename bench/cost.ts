/** Dollars per million jobs by item: exact counts times published prices, with their date in bench/prices.json. */

import type { CountedJob, Counts } from './measures/counts.ts'
import PRICES from './prices.json' with { type: 'json' }

/** Source: developers.cloudflare.com/durable-objects/platform/pricing, WebSocket messages. */
const MESSAGES_A_REQUEST = 20

/** Dollars per million jobs, by item. */
export type Costs = Record<string, number>

/**
 * Seconds for which the job's actor is billed: running, or idle but unable to hibernate. Exportal's actor hibernates
 * between events, even with open sockets; sockets taken with `accept()` keep the peer's in memory while they are open.
 * The duration of an actor's outgoing calls cannot be measured here, so bench/prices.json contains assumed values.
 */
export function secondsAwake(job: CountedJob, counts: Counts): number {
  const { actorMsPerEvent, d1Ms, r2Ms, fetchMs } = PRICES.assumed
  const of = (name: string) => counts[name] ?? 0
  const working =
    (of('actorRequests') + of('messagesReceived')) * actorMsPerEvent +
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
    'actor requests':
      (of('actorRequests') + of('messagesReceived') / MESSAGES_A_REQUEST) * price.actorRequests,
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

/**
 * Computes the costs of a job: GPU seconds of every attempt, from RunPod's figures if available, otherwise from our own
 * clocks. Seconds without a result are counted separately. Each attempt is priced at its own endpoint.
 */
import type { JobUsage } from '../../../../wire/job.ts'
import { isWinner } from '../attempts.ts'
import type { Attempt, Job } from '../job.ts'
import { DEFAULT_ENDPOINT } from '../policy.ts'

/** The costs of a job, with every figure present. */
export type CostView = Required<JobUsage>

export interface AttemptCost {
  gpuMs: number
  afterCancelMs: number
  queueMs: number
  estimated: boolean
}

/**
 * The current price of an endpoint by name, in the deployment's currency; null if none is set, or if its `url` differs.
 */
export type Prices = (name: string, url: string | null) => number | null

export const NO_PRICES: Prices = () => null

/** The price when the attempt was sent, or else the current price of the same address. */
export function priceOf({ endpoint }: Pick<Attempt, 'endpoint'>, prices: Prices): number | null {
  return endpoint?.pricePerSecond ?? prices(endpoint?.name ?? DEFAULT_ENDPOINT, endpoint?.url ?? null)
}

/** @returns `cost` null if the price of any part is missing */
export function costsOf(job: Job, prices: Prices): CostView {
  const active = !('endedAt' in job.phase)
  let gpuMs = 0
  let wastedMs = 0
  let afterCancelMs = 0
  let queueMs = 0
  let estimated = false
  let cost = 0
  let wastedCost = 0
  const used: (number | null)[] = []
  for (const attempt of job.attempts) {
    const each = costOfAttempt(attempt, job.request.policy.executionTimeoutMs)
    gpuMs += each.gpuMs
    afterCancelMs += each.afterCancelMs
    queueMs += each.queueMs
    estimated ||= each.estimated
    const price = priceOf(attempt, prices)
    if (each.gpuMs > 0) used.push(price)
    const money = (each.gpuMs / 1000) * (price ?? 0)
    cost += money
    if (isWinner(job, attempt) || (active && attempt.endedAt === null)) continue
    wastedMs += each.gpuMs
    wastedCost += money
  }
  // Before any use, null means that the future price is unknown.
  const { endpoint = DEFAULT_ENDPOINT } = job.request.policy
  const isPriced = used.length > 0 ? !used.includes(null) : prices(endpoint, null) !== null
  return {
    gpu_seconds: round(gpuMs / 1000, 3),
    wasted_seconds: round(wastedMs / 1000, 3),
    after_cancel_seconds: round(afterCancelMs / 1000, 3),
    queue_seconds: round(queueMs / 1000, 3),
    estimated,
    cost: isPriced ? round(cost, 6) : null,
    wasted_cost: isPriced ? round(wastedCost, 6) : null,
  }
}

/**
 * @param longestMs the execution timeout, at which RunPod stops a run: the upper limit for a run without a known end
 */
export function costOfAttempt(attempt: Attempt, longestMs: number): AttemptCost {
  const { usage, runningAt, cancel } = attempt
  const stopped = (at: number | null) =>
    at === null || runningAt === null ? null : Math.min(at, runningAt + longestMs)
  const endedAt = stopped(attempt.remoteEndedAt ?? attempt.endedAt)
  const billed = usage?.executionMs ?? null
  const ran = runningAt === null || endedAt === null ? 0 : Math.max(0, endedAt - runningAt)
  const stopsAt = stopped(cancel?.confirmedAt ?? null)
  const clickedAt = cancel && runningAt !== null ? Math.max(cancel.askedAt, runningAt) : null
  return {
    gpuMs: billed ?? ran,
    afterCancelMs: clickedAt !== null && stopsAt !== null ? Math.max(0, stopsAt - clickedAt) : 0,
    queueMs: usage?.delayMs ?? 0,
    estimated: billed === null && runningAt !== null,
  }
}

function round(value: number, digits: number): number {
  const scale = 10 ** digits
  return Math.round(value * scale) / scale
}

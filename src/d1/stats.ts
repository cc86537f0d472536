/** Figures over many jobs, from D1 alone: no actor is woken for them. */

import { iso } from '../../actors/export-job/core/iso.ts'
import { DEFAULT_ENDPOINT } from '../../actors/export-job/core/policy.ts'
import { D1_LIMIT_BYTES, isNearD1Limit } from '../../actors/shared/d1-size.ts'
import type { Percentiles, Statistics } from '../../wire/admin.ts'
import type { Env } from '../env.ts'
import { reach } from './reach.ts'
import {
  type ActiveRow,
  type AttentionRow,
  activeQuery,
  attentionQuery,
  cutQuery,
  type GroupRow,
  groupsQuery,
  MAX_ENDED,
  type SecondsRow,
  secondsQuery,
} from './stats-query.ts'

type Counts = Record<string, number>

/** The figures from D1: all except RunPod's and the lanes'. */
type Stats = Omit<Statistics, 'runpod' | 'lanes'>

const HOUR_MS = 3_600_000

/** Figures of the window of this many milliseconds that ends now. @throws Problem 503 when D1 does not answer */
export async function statsOf(
  env: Env,
  windowMs: number,
  priceOf: (endpoint: string) => number | null,
  now: number,
): Promise<Stats> {
  const span = { from: now - windowMs, until: now }
  const queries = [groupsQuery(span), secondsQuery(span), cutQuery(span), activeQuery(), attentionQuery(now)]
  const answers = await reach(() =>
    env.DB.batch(queries.map(({ sql, values }) => env.DB.prepare(sql).bind(...values))),
  )
  const rows = <T>(index: number): T[] => (answers[index]?.results ?? []) as T[]
  const groups = rows<GroupRow>(0)
  const total = (figure: (group: GroupRow) => number) => groups.reduce((sum, group) => sum + figure(group), 0)
  const gpu = round(total((group) => group.gpu_seconds))
  const wasted = round(total((group) => group.wasted_seconds))
  const money = (figure: (group: GroupRow) => number) => moneyOf(groups, figure, priceOf)
  const taken = total((group) => group.webhooks_taken)
  const failed = total((group) => group.webhooks_failed)
  // Every answer of D1 contains its size.
  const bytes = answers[0]?.meta.size_after ?? 0
  return {
    window: { from: iso(span.from), until: iso(now), seconds: windowMs / 1000 },
    active: Object.fromEntries(rows<ActiveRow>(3).map(({ status, jobs }) => [status, jobs])),
    attention: Object.fromEntries(rows<AttentionRow>(4).map(({ reason, jobs }) => [reason, jobs])),
    ended: {
      jobs: total((group) => group.jobs),
      cut: rows(2).length > 0,
      most: MAX_ENDED,
      by_status: byStatus(groups),
      by_type: Object.fromEntries(
        [...new Set(groups.map(({ type }) => type))]
          .sort()
          .map((type) => [type, byStatus(groups.filter((group) => group.type === type))]),
      ),
    },
    per_hour: hoursOf(groups, span.from, now),
    seconds: secondsOf(rows<SecondsRow>(1)[0]),
    error_codes: [...countBy(groups, (group) => group.error_code)]
      .map(([code, jobs]) => ({ code, jobs }))
      .sort((a, b) => b.jobs - a.jobs),
    attempts: [...countBy(groups, (group) => String(group.attempt))]
      .map(([attempts, jobs]) => ({ attempts: Number(attempts), jobs }))
      .sort((a, b) => a.attempts - b.attempts),
    gpu_seconds: gpu,
    wasted_seconds: wasted,
    cost: money((group) => group.gpu_seconds),
    wasted_cost: money((group) => group.wasted_seconds),
    webhooks: { taken, failed, success: taken + failed === 0 ? null : taken / (taken + failed) },
    database: { bytes, limit_bytes: D1_LIMIT_BYTES, nearly_full: isNearD1Limit(bytes) },
  }
}

/**
 * The cost in money; null when an endpoint that was used has no price or, when none was used, the default endpoint has
 * none.
 */
function moneyOf(
  groups: readonly GroupRow[],
  seconds: (group: GroupRow) => number,
  priceOf: (endpoint: string) => number | null,
): number | null {
  const used = groups.filter((group) => group.gpu_seconds > 0)
  if (used.length === 0) return priceOf(DEFAULT_ENDPOINT) === null ? null : 0
  let sum = 0
  for (const group of used) {
    const price = priceOf(group.endpoint)
    if (price === null) return null
    sum += seconds(group) * price
  }
  return round(sum)
}

/** A Map, since names are arbitrary text, such as `constructor`. */
function countBy(groups: readonly GroupRow[], key: (group: GroupRow) => string | null): Map<string, number> {
  const counts = new Map<string, number>()
  for (const group of groups) {
    const name = key(group)
    if (name !== null) counts.set(name, (counts.get(name) ?? 0) + group.jobs)
  }
  return counts
}

function byStatus(groups: readonly GroupRow[]): Counts {
  return Object.fromEntries(countBy(groups, (group) => group.status))
}

function hoursOf(groups: readonly GroupRow[], from: number, until: number): Stats['per_hour'] {
  const hours = new Map<number, { complete: number; error: number; cancelled: number }>()
  for (let at = Math.floor(from / HOUR_MS) * HOUR_MS; at <= until; at += HOUR_MS) {
    hours.set(at, { complete: 0, error: 0, cancelled: 0 })
  }
  for (const { hour, status, jobs } of groups) {
    const counts = hours.get(hour)
    if (counts && (status === 'complete' || status === 'error' || status === 'cancelled'))
      counts[status] += jobs
  }
  return [...hours].map(([at, counts]) => ({ hour: iso(at), ...counts }))
}

function secondsOf(row: SecondsRow | undefined): Stats['seconds'] {
  const of = (list: string | undefined) => percentilesOf(JSON.parse(list ?? '[]'))
  return { queue: of(row?.queue), run: of(row?.run), total: of(row?.total) }
}

function percentilesOf(values: number[]): Percentiles {
  const sorted = Float64Array.from(values).sort()
  const at = (share: number) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null
  return { jobs: sorted.length, p50: at(0.5), p90: at(0.9), p99: at(0.99) }
}

function round(value: number): number {
  return Math.round(value * 1e6) / 1e6
}

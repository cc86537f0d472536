/** Figures over many jobs, from D1 alone: no actor is woken for them. */
import { iso } from '../actors/export-job/core/iso.ts'
import type { Percentiles, Statistics } from '../wire/admin.ts'
import type { Env } from './env.ts'
import { reach } from './job-rows.ts'
import {
  type ActiveRow,
  activeQuery,
  cutQuery,
  type GroupRow,
  groupsQuery,
  MOST_ENDED,
  type SecondsRow,
  secondsQuery,
} from './stats-query.ts'

type Counts = Record<string, number>

/** The figures of D1: all but what RunPod says. */
type Stats = Omit<Statistics, 'runpod'>

const HOUR_MS = 3_600_000

/** The window of so many milliseconds that ends now. @throws Problem 503 when D1 does not answer */
export async function statsOf(
  env: Env,
  windowMs: number,
  pricePerSecond: number | null,
  now: number,
): Promise<Stats> {
  const span = { from: now - windowMs, until: now }
  const queries = [groupsQuery(span), secondsQuery(span), cutQuery(span), activeQuery()]
  const answers = await reach(() =>
    env.DB.batch(queries.map(({ sql, values }) => env.DB.prepare(sql).bind(...values))),
  )
  const rows = <T>(index: number): T[] => (answers[index]?.results ?? []) as T[]
  const groups = rows<GroupRow>(0)
  const total = (figure: (group: GroupRow) => number) => groups.reduce((sum, group) => sum + figure(group), 0)
  const gpu = round(total((group) => group.gpu_seconds))
  const wasted = round(total((group) => group.wasted_seconds))
  const money = (seconds: number) => (pricePerSecond === null ? null : round(seconds * pricePerSecond))
  const taken = total((group) => group.webhooks_taken)
  const failed = total((group) => group.webhooks_failed)
  return {
    window: { from: iso(span.from), until: iso(now), seconds: windowMs / 1000 },
    active: Object.fromEntries(rows<ActiveRow>(3).map(({ status, jobs }) => [status, jobs])),
    ended: {
      jobs: total((group) => group.jobs),
      cut: rows(2).length > 0,
      most: MOST_ENDED,
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
    cost: money(gpu),
    wasted_cost: money(wasted),
    webhooks: { taken, failed, success: taken + failed === 0 ? null : taken / (taken + failed) },
  }
}

/** Names are other people's words, `constructor` among them. */
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
